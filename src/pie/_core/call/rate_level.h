/* The level of a rate. Twins: pie/govern/{level,share}.py. */
#ifndef PIE_RATE_LEVEL_H
#define PIE_RATE_LEVEL_H

#include "base/core.h"

/* What one bucket remembers; its fields are explained in the twin. */
typedef struct {
    PyObject_HEAD
    double calls, at, rate, empty, stored, synced, asked, passed, came, part;
    char gone; /* as a member of Python: 0 or 1 */
} Level;

/* What a level is measured by. */
typedef struct {
    double qps, burst, most, warning, slope, cold;
} Limit;

/* This instance's part of limits of the whole service. */
typedef struct {
    PyObject_HEAD
    double part;
} Share;

extern PyTypeObject LevelFields_Type, Share_Type;

Limit rate_limit(double qps, double burst, double warm_up);

void level_fall(Level *level, const Limit *by, double now);
bool level_is_full(const Level *level, const Limit *by);
void level_rise(Level *level, const Limit *by);

int rate_level_init(PyObject *module);

#endif
