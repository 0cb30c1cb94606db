/* The clock of the machine, which C reads by itself: pie.model.SYSTEM_CLOCK. */
#ifndef PIE_SYSTEM_CLOCK_H
#define PIE_SYSTEM_CLOCK_H

#include "base/core.h"

bool clock_is_system(PyObject *clock);

int system_clock_init(PyObject *module);

#endif
