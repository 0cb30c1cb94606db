/* How a Call went, and the Call being served here and now. Of call.c's part; see call.h. */
#ifndef PIE_OUTCOME_H
#define PIE_OUTCOME_H

#include "call/call.h"

/* pie.model.Failure and failure_of; borrowed references are kept. */
void outcome_setup(PyObject *failure, PyObject *failure_of);
/* pie.model.current_call; borrowed reference is kept. */
void context_setup(PyObject *variable);

/* call.succeed(result): takes over the reference; NULL = None. */
void call_succeed(CallObject *call, PyObject *result);

/* call.fail(failure_of(error)); the failure, a new reference. NULL with an exception set when not
 * even that could be done. */
PyObject *call_fail_with(CallObject *call, PyObject *error);

#endif
