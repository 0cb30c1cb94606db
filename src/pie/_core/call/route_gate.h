/* The gate that narrows where a call may go. Twin: pie/govern/route/gate.py. */
#ifndef PIE_ROUTE_GATE_H
#define PIE_ROUTE_GATE_H

int route_gate_init(void);

#endif
