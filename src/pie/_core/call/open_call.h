/* A call on its way, as Python holds it. Twins: PythonOpenCall of pie/call/sync.py, the generator of
 * pie/call/flow.py. */
#ifndef PIE_OPEN_CALL_H
#define PIE_OPEN_CALL_H

#include "base/core.h"

int open_call_init(PyObject *module);

#endif
