/* A reply: its value, and whether its connection can be used again. */
#ifndef PIE_REPLY_H
#define PIE_REPLY_H

#include "client/work.h"

typedef struct {
    PyObject *value; /* new reference */
    bool in_step;    /* it is the reply to this request */
    bool closing;    /* the connection is of no further use: the peer says so, or is about to close it */
} Reply;

/* Reads a whole frame. UNUSUAL = the twin reads it; `in_step` and `closing` are known even so. */
Way reply_read(const Attempt *attempt, const uint8_t *data, const FrameView *view, Reply *reply);

#endif
