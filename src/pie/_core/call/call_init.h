/* The room of the Call in the module. */
#ifndef PIE_CALL_INIT_H
#define PIE_CALL_INIT_H

#include "base/core.h"

/* Adds the types and functions of the Call and its gates. */
int call_init(PyObject *module);

#endif
