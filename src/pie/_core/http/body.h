/* The body of a request that does not come in one piece: into memory, or a temporary file. No GIL. */
#ifndef PIE_HTTP_BODY_H
#define PIE_HTTP_BODY_H

#include "http/http_object.h"

typedef enum { BODY_MORE, BODY_WHOLE, BODY_BAD } BodyState;

/* Takes what has come of a body: `*taken` bytes of `data`. */
BodyState body_take(HttpObject *server, Partial *partial, const uint8_t *data, size_t size,
                    size_t *taken, HttpProblem *problem);

void body_drop(Body *body);

#endif
