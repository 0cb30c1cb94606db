/* The head of a request, read from what a connection has received, in whatever parts. Strict (RFC 9112):
 * a head that two readers could understand differently is refused. No GIL, no allocation. */
#ifndef PIE_HEAD_H
#define PIE_HEAD_H

#include "http/request_head.h"

typedef struct {
    size_t line;   /* bytes of the request line, without CRLF; beyond: 414 */
    size_t head;   /* bytes of it all; beyond: 431 */
    size_t fields; /* no more than HEAD_MOST_FIELDS, whatever it says; beyond: 431 */
} HeadLimits;

static const HeadLimits HEAD_LIMITS = {16 << 10, 64 << 10, HEAD_MOST_FIELDS};

/* How far a head that is not whole has been read, so that bytes are not read again with every part.
 * All zero before the first part and after the last. */
typedef struct {
    uint32_t scanned, line; /* bytes looked at; where the first line begins that is not whole */
    uint32_t fields;        /* before it */
} HeadScan;

typedef enum {
    HEAD_WHOLE,
    HEAD_PARTIAL,
    HEAD_BAD /* `problem` says why. What follows on the connection must not be read as a request. */
} HeadState;

/* Reads the head at the front of `data`, which may move and grow between calls. A line is judged as
 * soon as it is whole, so the answer does not depend on how the bytes came. `head` holds something
 * only when whole. */
HeadState head_read(const uint8_t *data, size_t size, const HeadLimits *limits, HeadScan *scan,
                    RequestHead *head, HttpProblem *problem);

#endif
