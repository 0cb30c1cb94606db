/* The gate that hands calls to the call log. Twin: pie/observe/record/gate.py. */
#ifndef PIE_RECORD_GATE_H
#define PIE_RECORD_GATE_H

#include "base/core.h"

int record_gate_init(void);

#endif
