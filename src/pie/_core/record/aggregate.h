/* Exact aggregates of calls. What is counted apart and what is added up is given by a description
 * (pie.observe.record.description.Aggregate). Twin: pie/observe/record/aggregate.py. Guarded by the
 * GIL.
 */
#ifndef PIE_AGGREGATE_H
#define PIE_AGGREGATE_H

#include "record/known.h"
#include "record/slots.h"
#include "record/source.h"

#define AGGREGATE_KEYS 24
#define AGGREGATE_SUMS SLOT_SUMS

typedef struct {
    Value values[AGGREGATE_KEYS]; /* texts are owned */
    int64_t ts;
    uint64_t hash;
    Slot *slot; /* holds the sums and the histogram; NULL = they are here: */
    int64_t sums[AGGREGATE_SUMS];
    uint32_t *histogram; /* of the buckets from `low` on */
    int low, size;
} Total;

typedef struct {
    /* The description. */
    PyObject *name;
    PyObject *make;  /* a row, of what was counted by name */
    PyObject *names; /* ts, keys, sums, histogram */
    int64_t seconds;
    Source counted, duration;
    Source keys[AGGREGATE_KEYS], sums[AGGREGATE_SUMS];
    Known known[AGGREGATE_KEYS];
    int key_count, sum_count;
    bool has_histogram;
    /* What was counted. */
    Total *totals;
    size_t count, capacity;
    uint32_t *table; /* order number + 1 by hash; 0 = free */
    size_t mask;
    size_t last; /* the total of the last call */
    Slots slots;
} Aggregate;

/* floor(log(us + 1) / log(1.05)), to the bit as pie.observe.facts.rows.histogram_bucket. */
int histogram_bucket(int64_t duration_us);

/* Counts a call, if it is of those that count. -1 = no memory (no exception is set). Runs no
 * Python. */
int aggregate_add(Aggregate *aggregate, const Finished *finished);

/* Takes the totals of all buckets that ended at `before` or earlier: a list of pairs of what `make`
 * makes of one, and of the number of its slot (-1 = none), which stays in use until it is released.
 * NULL with an exception set. */
PyObject *aggregate_take(Aggregate *aggregate, double before);

/* Counts in the slots of a shared mapping from now on, while there are free ones. -1 with an
 * exception set. */
int aggregate_attach(Aggregate *aggregate, PyObject *memory);
/* What stood in a slot is written. -1 with an exception set. */
int aggregate_release(Aggregate *aggregate, long slot);

/* Forgets all that was counted, and leaves the shared mapping as it is. */
void aggregate_clear(Aggregate *aggregate);
void aggregate_free(Aggregate *aggregate);
int aggregate_traverse(Aggregate *aggregate, visitproc visit, void *arg);

void histogram_init(void);

#endif
