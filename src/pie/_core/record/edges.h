/* Exact 10-second aggregates of calls by edge. Twin: pie/observe/record/aggregate.py. Guarded by the
 * GIL. */
#ifndef PIE_EDGES_H
#define PIE_EDGES_H

#include "base/core.h"

/* What is counted apart, in the order of pie.observe.record.aggregate.EdgeKey. */
enum {
    EDGE_SIDE,
    EDGE_PROTOCOL,
    EDGE_CALLER,
    EDGE_CALLER_CLUSTER,
    EDGE_CALLEE,
    EDGE_CALLEE_CLUSTER,
    EDGE_METHOD,
    EDGE_OUTCOME,
    EDGE_NAMES,
};

typedef struct {
    PyObject *names[EDGE_NAMES]; /* exact str */
    int64_t ts;
    long code;
} EdgeKey;

typedef struct {
    EdgeKey key; /* its names are owned */
    uint64_t hash;
    int64_t count, duration_us;
    uint32_t *histogram; /* of the buckets from `low` on */
    int low, size;
} Edge;

typedef struct {
    Edge *edges;
    size_t count, capacity;
    uint32_t *table; /* order number + 1 by hash; 0 = free */
    size_t mask;
    size_t last; /* the edge of the last call */
} Edges;

/* floor(log(us + 1) / log(1.05)), to the bit as pie.observe.record.facts.histogram_bucket. */
int histogram_bucket(int64_t duration_us);

/* Counts one call; the names are borrowed. -1 = no memory (no exception is set). */
int edges_add(Edges *edges, const EdgeKey *key, int64_t duration_us);

/* Takes the edges of all buckets that ended at `before` or earlier: a list of what `make` makes of
 * (ts, names..., code, count, duration_us, histogram). NULL with an exception set. */
PyObject *edges_take(Edges *edges, double before, PyObject *make);

void edges_clear(Edges *edges);

int edges_init(void);

#endif
