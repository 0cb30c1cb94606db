/* The gate that chooses an endpoint. Twin: pie/govern/balance.py. */
#ifndef PIE_BALANCE_GATE_H
#define PIE_BALANCE_GATE_H

#include "base/core.h"

int balance_gate_init(void);

#endif
