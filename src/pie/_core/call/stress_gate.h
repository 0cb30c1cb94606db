/* The gate that refuses classes of traffic. Twin: pie/govern/stress.py. */
#ifndef PIE_STRESS_GATE_H
#define PIE_STRESS_GATE_H

int stress_gate_init(void);

#endif
