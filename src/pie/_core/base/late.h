/* Objects of Python modules that import this extension: looked up at first use, kept for good. */
#ifndef PIE_LATE_H
#define PIE_LATE_H

#include "base/core.h"

/* module.name, borrowed; kept in `*cache`. NULL with an exception set if it is not there. */
PyObject *late(PyObject **cache, const char *module, const char *name);

#endif
