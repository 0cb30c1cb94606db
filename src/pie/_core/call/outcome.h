/* The outcome of a Call, and the Call that is being served here and now. Twins: pie/model/call.py
 * (succeed, business, fail), pie/model/context.py. */
#ifndef PIE_OUTCOME_H
#define PIE_OUTCOME_H

#include "call/call.h"

int outcome_init(void);

/* pie.model.Failure, Kind and failure_of; borrowed references are kept. */
void outcome_setup(PyObject *failure, PyObject *kind, PyObject *failure_of);
/* pie.model.current_call; borrowed reference is kept. */
void context_setup(PyObject *variable);

/* call.succeed(result): takes over the reference; NULL = None. */
void call_succeed(CallObject *call, PyObject *result);

/* call.business(code, message): steals nothing. */
int call_business(CallObject *call, long code, PyObject *message);

/* call.fail(failure_of(error)); the failure, a new reference. NULL with an exception set when not
 * even that could be done. */
PyObject *call_fail_with(CallObject *call, PyObject *error);

/* pie.model.current_call. */
PyObject *current_call_set(CallObject *call); /* new token; NULL on error */
int current_call_reset(PyObject *token);      /* steals the token */
CallObject *current_call_get(void); /* new reference; NULL = none or an error (see PyErr) */

#endif
