/* The client's hot path: an ordinary call from its arguments to its value. Python's side of it:
 * pie/rpc/client/fast_path.py; twin: pie/rpc/client/channel.py, which also makes every call that is unusual. */
#ifndef PIE_LANE_H
#define PIE_LANE_H

#include "client/exchange.h"
#include "client/plan.h"
#include "codec/program.h"

/* One attempt. */
typedef struct {
    const Plan *plan;
    const Method *method;
    PyObject *client; /* what Base says of the client program */
    CallObject *call;
    PyObject *const *args;
    Transport transport;
    Protocol protocol;
    int32_t seqid;
} Attempt;

/* What one call works on. */
typedef struct {
    Plan *plan; /* owned: the lane may get another one meanwhile */
    PyObject *args; /* a tuple, for the twin; made when it is needed */
    Attempt attempt;
    Py_ssize_t count;
    Buffer request, reply;
} Work;

typedef enum { USUAL, UNUSUAL, ERROR } Way;

/* --- lane_attempt.c: the value or Answer of one attempt; NULL with an exception set. --- */
PyObject *lane_attempt(Work *work);
int lane_attempt_init(void);
int lane_attempt_setup(PyObject *names, PyObject *stale);

/* --- lane_request.c: UNUSUAL = nothing is written, the twin does it. ERROR = an exception is set; a
 * CodecError says what is wrong with the arguments. --- */
Way request_write(const Attempt *attempt, Buffer *out);

/* --- lane_reply.c --- */

typedef struct {
    PyObject *value; /* new reference */
    bool in_step;    /* it is the reply to this request */
    bool closing;    /* the peer asks for another connection from now on */
} Reply;

/* Reads a whole frame. UNUSUAL = the twin reads it; `in_step` and `closing` are known even so. */
Way reply_read(const Attempt *attempt, const uint8_t *data, const FrameView *view, Reply *reply);

/* --- lane.c --- */

/* An interned name; a name of pie.rpc.client.fast_path. -1 with an exception set. */
int lane_intern(PyObject **name, const char *text);
int lane_take(PyObject *names, const char *name, PyObject **function);

#endif
