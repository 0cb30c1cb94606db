/* The record budget. Twin: pie/observe/record/budget.py. */
#ifndef PIE_BUDGET_H
#define PIE_BUDGET_H

#include "base/core.h"

/* The budget of one kind of calls. */
typedef struct {
    int64_t per_second;
    int64_t second, seen, seen_before;
} Share;

typedef struct {
    Share ordinary, notable; /* notable: failed or slow */
    int64_t slow_us;
} Budget;

/* How many calls the record stands for; 0 = do not keep it. -1 = no memory (no exception is
 * set). */
double budget_weight(Budget *budget, PyObject *logid, double ended, int64_t duration_us,
                     bool failed);

#endif
