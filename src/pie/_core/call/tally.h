/* How calls went by one rule, counted. Twin: pie/govern/verdicts.py. */
#ifndef PIE_TALLY_H
#define PIE_TALLY_H

#include "base/core.h"

typedef enum { ADMITTED, REJECTED, WOULD_REJECT, ROUTED, FALLBACK, LIMITED, VERDICT_COUNT } Verdict;

typedef struct {
    PyObject_HEAD
    long long calls[VERDICT_COUNT];
    bool listed; /* its counts are above 0, and whoever takes them knows */
} Counts;

extern PyTypeObject Counts_Type;

int counts_list(Counts *counts, PyObject *counted);

/* One call more. `counted` is Verdicts.counted. Runs no Python. -1 with an exception set. */
static inline int counts_add(Counts *counts, Verdict verdict, PyObject *counted) {
    counts->calls[verdict]++;
    return LIKELY(counts->listed) ? 0 : counts_list(counts, counted);
}

int tally_init(PyObject *module);

#endif
