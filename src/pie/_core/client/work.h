/* What one call of the fast path works on. */
#ifndef PIE_WORK_H
#define PIE_WORK_H

#include "call/call.h"
#include "client/plan.h"

/* What a request is written from and its reply is read for. */
typedef struct {
    const ClientPlan *plan;
    const Method *method;
    CallObject *call;
    PyObject *const *args;
    Transport transport;
    Protocol protocol;
    PyObject *addressee; /* owned: the port may be another one meanwhile */
    bool keeps_quiet;
    int32_t seqid;
} Attempt;

/* What one call works on. */
typedef struct {
    ClientPlan *plan; /* owned: the fast path may get another one meanwhile */
    PyObject *args; /* a tuple, for the twin; made when it is needed */
    Attempt attempt;
    Py_ssize_t count;
    Buffer request, reply;
} Work;

/* Whether C has done a step, the twin must do it, or an exception is set. */
typedef enum { USUAL, UNUSUAL, ERROR } Way;

#endif
