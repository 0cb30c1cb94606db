/* Rate: at most so many calls a second. Twin: pie/govern/rate.py. */
#ifndef PIE_RATE_GATE_H
#define PIE_RATE_GATE_H

#include "base/core.h"

int rate_gate_init(PyObject *module);

#endif
