/* The time and the chance that policies go by: the machine's, or what a test gives.
 *
 * Twins: the Clock and the Random that gates in Python are given (pie/model/clock.py).
 */
#ifndef PIE_READINGS_H
#define PIE_READINGS_H

#include "base/core.h"

/* Monotonic seconds. */
double reading_now(void);

/* Unix seconds. */
double reading_wall(void);

/* From 0 to below 1. */
double reading_chance(void);

int readings_init(PyObject *module);

#endif
