/* The gates that end calls in time. Twin: pie/govern/deadline.py. */
#ifndef PIE_DEADLINE_GATE_H
#define PIE_DEADLINE_GATE_H

int deadline_gate_init(void);

#endif
