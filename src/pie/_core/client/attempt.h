/* One attempt of a call. */
#ifndef PIE_ATTEMPT_H
#define PIE_ATTEMPT_H

#include "client/work.h"

/* The value or Answer of one attempt; NULL with an exception set. */
PyObject *attempt_run(Work *work);

#endif
