/* The room of records in the module. */
#ifndef PIE_RECORD_INIT_H
#define PIE_RECORD_INIT_H

#include "base/core.h"

/* Adds the call log, and its gate. */
int record_init(PyObject *module);

#endif
