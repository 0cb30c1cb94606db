/* Exact 10-second aggregates of calls by edge. Twin: pie/observe/record/aggregate.py. */
#include "record/edges.h"

#define EDGE_SECONDS 10
#define MAX_EDGES 10000
#define BASE 1.05
#define TABLED 4096

static double log_base;
static uint16_t tabled[TABLED]; /* buckets of short calls */
static PyObject *other;         /* stands for the names of edges beyond MAX_EDGES */

static int bucket_by_logarithm(int64_t duration_us) {
    return (int)(log((double)(duration_us + 1)) / log_base);
}

int histogram_bucket(int64_t duration_us) {
    return duration_us < TABLED ? tabled[duration_us] : bucket_by_logarithm(duration_us);
}

/* --- the table --- */

static uint64_t mix(uint64_t hash, uint64_t more) {
    hash = (hash ^ more) * 0x9E3779B97F4A7C15;
    return hash ^ hash >> 29;
}

static uint64_t hash_of(const EdgeKey *key) {
    uint64_t hash = mix((uint64_t)key->ts, (uint64_t)key->code);
    for (int i = 0; i < EDGE_NAMES; i++) {
        hash = mix(hash, (uint64_t)PyObject_Hash(key->names[i]));
    }
    return hash;
}

static bool same_text(PyObject *one, PyObject *two) {
    if (one == two) {
        return true;
    }
    Py_ssize_t size = PyUnicode_GET_LENGTH(one);
    int kind = PyUnicode_KIND(one);
    return size == PyUnicode_GET_LENGTH(two) && kind == (int)PyUnicode_KIND(two) &&
           memcmp(PyUnicode_DATA(one), PyUnicode_DATA(two), (size_t)size * kind) == 0;
}

static bool same_key(const EdgeKey *one, const EdgeKey *two) {
    if (one->ts != two->ts || one->code != two->code) {
        return false;
    }
    for (int i = 0; i < EDGE_NAMES; i++) {
        if (!same_text(one->names[i], two->names[i])) {
            return false;
        }
    }
    return true;
}

static void put(Edges *edges, size_t number) {
    size_t at = edges->edges[number].hash & edges->mask;
    while (edges->table[at] != 0) {
        at = (at + 1) & edges->mask;
    }
    edges->table[at] = (uint32_t)number + 1;
}

static Edge *find(Edges *edges, const EdgeKey *key, uint64_t hash) {
    if (edges->table == NULL) {
        return NULL;
    }
    size_t at = hash & edges->mask;
    for (; edges->table[at] != 0; at = (at + 1) & edges->mask) {
        size_t number = edges->table[at] - 1;
        Edge *edge = &edges->edges[number];
        if (edge->hash == hash && same_key(&edge->key, key)) {
            edges->last = number;
            return edge;
        }
    }
    return NULL;
}

/* Room for one more, with the table at most half full. */
static int grow(Edges *edges) {
    if (edges->count < edges->capacity) {
        return 0;
    }
    size_t capacity = edges->capacity ? edges->capacity * 2 : 32;
    Edge *more = realloc(edges->edges, capacity * sizeof *more);
    if (more == NULL) {
        return -1;
    }
    edges->edges = more;
    uint32_t *table = calloc(capacity * 2, sizeof *table);
    if (table == NULL) {
        return -1;
    }
    free(edges->table);
    edges->table = table;
    edges->mask = capacity * 2 - 1;
    edges->capacity = capacity;
    for (size_t i = 0; i < edges->count; i++) {
        put(edges, i);
    }
    return 0;
}

static Edge *insert(Edges *edges, const EdgeKey *key, uint64_t hash) {
    if (grow(edges) < 0) {
        return NULL;
    }
    Edge *edge = &edges->edges[edges->count];
    *edge = (Edge){.key = *key, .hash = hash};
    for (int i = 0; i < EDGE_NAMES; i++) {
        Py_INCREF(key->names[i]);
    }
    edges->last = edges->count;
    put(edges, edges->count++);
    return edge;
}

/* The edge of a key, which is made if it is new. Names come from the wire: whoever invents ever new
 * ones must not fill the memory. */
static Edge *edge_of(Edges *edges, const EdgeKey *key) {
    if (edges->last < edges->count && same_key(&edges->edges[edges->last].key, key)) {
        return &edges->edges[edges->last];
    }
    uint64_t hash = hash_of(key);
    Edge *edge = find(edges, key, hash);
    if (edge != NULL) {
        return edge;
    }
    EdgeKey rest = *key;
    if (edges->count >= MAX_EDGES) {
        rest.names[EDGE_CALLER] = rest.names[EDGE_CALLEE] = rest.names[EDGE_METHOD] = other;
        hash = hash_of(&rest);
        edge = find(edges, &rest, hash);
    }
    return edge != NULL ? edge : insert(edges, &rest, hash);
}

/* --- counting --- */

/* Makes the histogram reach a bucket. */
static int reach(Edge *edge, int bucket) {
    int low = edge->size == 0 || bucket < edge->low ? bucket : edge->low;
    int end = edge->low + edge->size;
    end = edge->size == 0 || bucket >= end ? bucket + 1 : end;
    if (edge->size != 0 && low == edge->low && end == edge->low + edge->size) {
        return 0;
    }
    uint32_t *wider = calloc(end - low, sizeof *wider);
    if (wider == NULL) {
        return -1;
    }
    if (edge->size != 0) {
        memcpy(wider + (edge->low - low), edge->histogram, edge->size * sizeof *wider);
        free(edge->histogram);
    }
    edge->histogram = wider;
    edge->low = low;
    edge->size = end - low;
    return 0;
}

int edges_add(Edges *edges, const EdgeKey *key, int64_t duration_us) {
    Edge *edge = edge_of(edges, key);
    int bucket = histogram_bucket(duration_us);
    if (edge == NULL || reach(edge, bucket) < 0) {
        return -1;
    }
    edge->count++;
    edge->duration_us += duration_us;
    edge->histogram[bucket - edge->low]++;
    return 0;
}

/* --- taking --- */

static void forget(Edge *edge) {
    for (int i = 0; i < EDGE_NAMES; i++) {
        Py_DECREF(edge->key.names[i]);
    }
    free(edge->histogram);
}

static PyObject *histogram_of(const Edge *edge) {
    PyObject *histogram = PyDict_New();
    for (int i = 0; histogram != NULL && i < edge->size; i++) {
        if (edge->histogram[i] == 0) {
            continue;
        }
        PyObject *bucket = PyLong_FromLong(edge->low + i);
        PyObject *count = PyLong_FromUnsignedLong(edge->histogram[i]);
        if (bucket == NULL || count == NULL || PyDict_SetItem(histogram, bucket, count) < 0) {
            Py_CLEAR(histogram);
        }
        Py_XDECREF(bucket);
        Py_XDECREF(count);
    }
    return histogram;
}

static PyObject *made_of(const Edge *edge, PyObject *make) {
    PyObject *histogram = histogram_of(edge);
    if (histogram == NULL) {
        return NULL;
    }
    PyObject *const *names = edge->key.names;
    return PyObject_CallFunction(
        make, "LOOOOOOOOlLLN", (long long)edge->key.ts, names[EDGE_SIDE], names[EDGE_PROTOCOL],
        names[EDGE_CALLER], names[EDGE_CALLER_CLUSTER], names[EDGE_CALLEE],
        names[EDGE_CALLEE_CLUSTER], names[EDGE_METHOD], names[EDGE_OUTCOME], edge->key.code,
        (long long)edge->count, (long long)edge->duration_us, histogram);
}

/* Moves the edges that are over into `over`, which has room for all. */
static size_t separate(Edges *edges, double before, Edge *over) {
    size_t kept = 0, moved = 0;
    for (size_t i = 0; i < edges->count; i++) {
        Edge *edge = &edges->edges[i];
        if ((double)(edge->key.ts + EDGE_SECONDS) <= before) {
            over[moved++] = *edge;
        } else {
            edges->edges[kept++] = *edge;
        }
    }
    edges->count = kept;
    edges->last = 0;
    memset(edges->table, 0, (edges->mask + 1) * sizeof *edges->table);
    for (size_t i = 0; i < kept; i++) {
        put(edges, i);
    }
    return moved;
}

PyObject *edges_take(Edges *edges, double before, PyObject *make) {
    PyObject *made = PyList_New(0);
    if (made == NULL || edges->count == 0) {
        return made;
    }
    Edge *over = malloc(edges->count * sizeof *over);
    if (over == NULL) {
        Py_DECREF(made);
        return PyErr_NoMemory();
    }
    size_t count = separate(edges, before, over);
    for (size_t i = 0; i < count; i++) {
        PyObject *each = made == NULL ? NULL : made_of(&over[i], make);
        if (made != NULL && (each == NULL || PyList_Append(made, each) < 0)) {
            Py_CLEAR(made);
        }
        Py_XDECREF(each);
        forget(&over[i]);
    }
    free(over);
    return made;
}

void edges_clear(Edges *edges) {
    for (size_t i = 0; i < edges->count; i++) {
        forget(&edges->edges[i]);
    }
    free(edges->edges);
    free(edges->table);
    *edges = (Edges){0};
}

int edges_init(void) {
    log_base = log(BASE);
    for (int i = 0; i < TABLED; i++) {
        tabled[i] = bucket_by_logarithm(i);
    }
    other = PyUnicode_InternFromString("(other)");
    return other == NULL ? -1 : 0;
}
