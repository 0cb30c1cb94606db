/* The gates that every call passes. Twins: pie/observe/trace.py, pie/govern/deadline.py. */
#ifndef PIE_GATE_OPS_H
#define PIE_GATE_OPS_H

#include "base/core.h"

int gate_ops_init(void);

#endif
