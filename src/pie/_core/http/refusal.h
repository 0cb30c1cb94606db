/* Replies of the server itself, which no application sees. No GIL. */
#ifndef PIE_HTTP_REFUSAL_H
#define PIE_HTTP_REFUSAL_H

#include "base/buffer.h"
#include "http/request_head.h"

/* Adds the reply to a request that is refused: the error form in JSON. The connection ends after it.
 * Nothing is added when there is no memory. */
void refusal_write(Buffer *out, const HttpProblem *problem);

/* The reply to a request whose application failed before it answered; `bodiless` = to HEAD. */
void failure_write(Buffer *out, bool keep_alive, bool bodiless);

#endif
