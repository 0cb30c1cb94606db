/* `_native.Loop`: a loop as Python has it. */
#ifndef PIE_LOOP_OBJECT_H
#define PIE_LOOP_OBJECT_H

#include "base/core.h"

/* Adds Loop and Speaker to the module. */
int loop_init(PyObject *module);

#endif
