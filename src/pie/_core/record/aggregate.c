/* Exact aggregates of calls. Twin: pie/observe/record/aggregate.py. */
#include "record/aggregate.h"

#include "base/text.h"

#define MAX_ROWS 10000
#define BASE 1.05
#define TABLED 4096

static double log_base;
static uint16_t tabled[TABLED]; /* buckets of short calls */

static int bucket_by_logarithm(int64_t duration_us) {
    return (int)(log((double)(duration_us + 1)) / log_base);
}

int histogram_bucket(int64_t duration_us) {
    return duration_us < TABLED ? tabled[duration_us] : bucket_by_logarithm(duration_us);
}

void histogram_init(void) {
    log_base = log(BASE);
    for (int i = 0; i < TABLED; i++) {
        tabled[i] = bucket_by_logarithm(i);
    }
}

/* --- keys --- */

/* A key on its way into the table; its texts are borrowed. */
typedef struct {
    Value values[AGGREGATE_KEYS];
    int64_t ts;
    uint64_t hash;
} Wanted;

static uint64_t mix(uint64_t hash, uint64_t more) {
    hash = (hash ^ more) * 0x9E3779B97F4A7C15;
    return hash ^ hash >> 29;
}

/* Asked of the sources, which lie close together: every call looks at all of them. */
static inline bool is_text(const Aggregate *aggregate, int i) {
    return aggregate->keys[i].kind == SOURCE_TEXT;
}

static void set_hash(const Aggregate *aggregate, Wanted *key) {
    uint64_t hash = mix(0, (uint64_t)key->ts);
    for (int i = 0; i < aggregate->key_count; i++) {
        uint64_t more = is_text(aggregate, i) ? (uint64_t)PyObject_Hash(key->values[i].text)
                                              : (uint64_t)key->values[i].number;
        hash = mix(hash, more);
    }
    key->hash = hash;
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

static bool same_key(const Aggregate *aggregate, const Total *total, const Wanted *key) {
    if (total->ts != key->ts) {
        return false;
    }
    for (int i = 0; i < aggregate->key_count; i++) {
        const Value *one = &total->values[i], *two = &key->values[i];
        if (is_text(aggregate, i) ? !same_text(one->text, two->text)
                                        : one->number != two->number) {
            return false;
        }
    }
    return true;
}

/* --- the table --- */

static void put(Aggregate *aggregate, size_t number) {
    size_t at = aggregate->totals[number].hash & aggregate->mask;
    while (aggregate->table[at] != 0) {
        at = (at + 1) & aggregate->mask;
    }
    aggregate->table[at] = (uint32_t)number + 1;
}

static Total *find(Aggregate *aggregate, const Wanted *key) {
    if (aggregate->table == NULL) {
        return NULL;
    }
    size_t at = key->hash & aggregate->mask;
    for (; aggregate->table[at] != 0; at = (at + 1) & aggregate->mask) {
        size_t number = aggregate->table[at] - 1;
        Total *total = &aggregate->totals[number];
        if (total->hash == key->hash && same_key(aggregate, total, key)) {
            aggregate->last = number;
            return total;
        }
    }
    return NULL;
}

/* Room for one more, with the table at most half full. */
static int grow(Aggregate *aggregate) {
    if (aggregate->count < aggregate->capacity) {
        return 0;
    }
    size_t capacity = aggregate->capacity ? aggregate->capacity * 2 : 32;
    Total *more = realloc(aggregate->totals, capacity * sizeof *more);
    if (more == NULL) {
        return -1;
    }
    aggregate->totals = more;
    uint32_t *table = calloc(capacity * 2, sizeof *table);
    if (table == NULL) {
        return -1;
    }
    free(aggregate->table);
    aggregate->table = table;
    aggregate->mask = capacity * 2 - 1;
    aggregate->capacity = capacity;
    for (size_t i = 0; i < aggregate->count; i++) {
        put(aggregate, i);
    }
    return 0;
}

static int add_key(Buffer *out, PyObject *text) {
    size_t begin = out->size;
    uint16_t size = 0;
    if (buffer_add(out, &size, sizeof size) < 0 || text_add(out, text) < 0 ||
        out->size - begin - sizeof size > UINT16_MAX) {
        return -1;
    }
    size = (uint16_t)(out->size - begin - sizeof size);
    memcpy(out->data + begin, &size, sizeof size);
    return 0;
}

/* A slot for a total; NULL = it is counted in private memory. */
static Slot *slot_for(Aggregate *aggregate, const Total *total) {
    Buffer *out = slots_key(&aggregate->slots);
    for (int i = 0; out != NULL && i < aggregate->key_count; i++) {
        const Value *value = &total->values[i];
        int done = is_text(aggregate, i) ? add_key(out, value->text)
                                         : buffer_add(out, &value->number, sizeof value->number);
        out = done < 0 ? NULL : out;
    }
    return out == NULL ? NULL : slots_open(&aggregate->slots, total->ts, aggregate->has_histogram);
}

static Total *insert(Aggregate *aggregate, const Wanted *key) {
    if (grow(aggregate) < 0) {
        return NULL;
    }
    Total *total = &aggregate->totals[aggregate->count];
    *total = (Total){.ts = key->ts, .hash = key->hash};
    for (int i = 0; i < aggregate->key_count; i++) {
        total->values[i] = key->values[i];
        if (is_text(aggregate, i)) {
            Py_INCREF(total->values[i].text);
        }
    }
    total->slot = slot_for(aggregate, total);
    aggregate->last = aggregate->count;
    put(aggregate, aggregate->count++);
    return total;
}

/* The total of a key that is not in the table as it came. */
static Total *bounded(Aggregate *aggregate, Wanted *key) {
    for (int i = 0; i < aggregate->key_count; i++) {
        if (known_admit(&aggregate->known[i], &key->values[i], key->ts) < 0) {
            return NULL;
        }
    }
    set_hash(aggregate, key);
    Total *total = find(aggregate, key);
    if (total != NULL || aggregate->count < MAX_ROWS) {
        return total != NULL ? total : insert(aggregate, key);
    }
    for (int i = 0; i < aggregate->key_count; i++) {
        if (aggregate->known[i].cap != 0) {
            key->values[i] = aggregate->known[i].other_value;
        }
    }
    set_hash(aggregate, key);
    total = find(aggregate, key);
    return total != NULL ? total : insert(aggregate, key);
}

static Total *total_of(Aggregate *aggregate, Wanted *key) {
    set_hash(aggregate, key);
    Total *total = find(aggregate, key);
    return total != NULL ? total : bounded(aggregate, key);
}

/* --- counting --- */

/* Makes the histogram reach a bucket. */
static int reach(Total *total, int bucket) {
    int low = total->size == 0 || bucket < total->low ? bucket : total->low;
    int end = total->low + total->size;
    end = total->size == 0 || bucket >= end ? bucket + 1 : end;
    if (total->size != 0 && low == total->low && end == total->low + total->size) {
        return 0;
    }
    uint32_t *wider = calloc(end - low, sizeof *wider);
    if (wider == NULL) {
        return -1;
    }
    if (total->size != 0) {
        memcpy(wider + (total->low - low), total->histogram, total->size * sizeof *wider);
        free(total->histogram);
    }
    total->histogram = wider;
    total->low = low;
    total->size = end - low;
    return 0;
}

static int64_t bucket_of(double ended, int64_t seconds) {
    int64_t second = (int64_t)ended, past = second % seconds;
    return second - (past < 0 ? past + seconds : past);
}

/* Whether a call counts into a total. */
static bool belongs(const Aggregate *aggregate, const Total *total, int64_t ts,
                    const Finished *finished) {
    if (total->ts != ts) {
        return false;
    }
    for (int i = 0; i < aggregate->key_count; i++) {
        const Source *source = &aggregate->keys[i];
        if (is_text(aggregate, i) ? !same_text(total->values[i].text, source_text(source, finished))
                                  : total->values[i].number != source_number(source, finished)) {
            return false;
        }
    }
    return true;
}

/* The total of a call. Most calls belong to that of the last one: no key is made for them. */
static Total *total_for(Aggregate *aggregate, const Finished *finished) {
    int64_t ts = bucket_of(finished->ended, aggregate->seconds);
    if (aggregate->last < aggregate->count) {
        Total *last = &aggregate->totals[aggregate->last];
        if (LIKELY(belongs(aggregate, last, ts, finished))) {
            return last;
        }
    }
    Wanted key = {.ts = ts};
    for (int i = 0; i < aggregate->key_count; i++) {
        const Source *source = &aggregate->keys[i];
        if (is_text(aggregate, i)) {
            key.values[i].text = source_text(source, finished);
        } else {
            key.values[i].number = source_number(source, finished);
        }
    }
    return total_of(aggregate, &key);
}

static void add_to_slot(const Aggregate *aggregate, Slot *slot, int bucket,
                        const Finished *finished) {
    const SlotCopy *now = slot_now(slot);
    SlotCopy *next = slot_next(slot);
    for (int i = 0; i < aggregate->sum_count; i++) {
        next->sums[i] = now->sums[i] + source_number(&aggregate->sums[i], finished);
    }
    if (aggregate->has_histogram) {
        slot_turn_with_bucket(slot, (uint32_t)bucket);
    } else {
        slot_turn(slot);
    }
}

static int add_privately(const Aggregate *aggregate, Total *total, int bucket,
                         const Finished *finished) {
    if (aggregate->has_histogram) {
        if (reach(total, bucket) < 0) {
            return -1;
        }
        total->histogram[bucket - total->low]++;
    }
    for (int i = 0; i < aggregate->sum_count; i++) {
        total->sums[i] += source_number(&aggregate->sums[i], finished);
    }
    return 0;
}

/* Goes on in private memory: for a call that is too long for the histogram of a slot. */
static int leave_slot(Aggregate *aggregate, Total *total) {
    Slot *slot = total->slot;
    if (reach(total, 0) < 0 || reach(total, SLOT_BUCKETS - 1) < 0) {
        return -1;
    }
    memcpy(total->histogram, slot->histogram, SLOT_BUCKETS * sizeof *slot->histogram);
    memcpy(total->sums, slot_now(slot)->sums, sizeof total->sums);
    total->slot = NULL;
    slots_release(&aggregate->slots, slot);
    return 0;
}

int aggregate_add(Aggregate *aggregate, const Finished *finished) {
    if (source_number(&aggregate->counted, finished) == 0) {
        return 0;
    }
    Total *total = total_for(aggregate, finished);
    if (total == NULL) {
        return -1;
    }
    int bucket = 0;
    if (aggregate->has_histogram) {
        bucket = histogram_bucket(source_number(&aggregate->duration, finished));
        if (UNLIKELY(total->slot != NULL && bucket >= SLOT_BUCKETS) &&
            leave_slot(aggregate, total) < 0) {
            return -1;
        }
    }
    if (LIKELY(total->slot != NULL)) {
        add_to_slot(aggregate, total->slot, bucket, finished);
        return 0;
    }
    return add_privately(aggregate, total, bucket, finished);
}

/* --- taking --- */

static void forget(const Aggregate *aggregate, Total *total) {
    for (int i = 0; i < aggregate->key_count; i++) {
        if (is_text(aggregate, i)) {
            Py_DECREF(total->values[i].text);
        }
    }
    free(total->histogram);
}

static PyObject *histogram_of(const Total *total) {
    PyObject *histogram = PyDict_New();
    const uint32_t *counts = total->slot != NULL ? total->slot->histogram : total->histogram;
    int low = total->slot != NULL ? 0 : total->low;
    int size = total->slot != NULL ? SLOT_BUCKETS : total->size;
    for (int i = 0; histogram != NULL && i < size; i++) {
        if (counts[i] == 0) {
            continue;
        }
        PyObject *bucket = PyLong_FromLong(low + i);
        PyObject *count = PyLong_FromUnsignedLong(counts[i]);
        if (bucket == NULL || count == NULL || PyDict_SetItem(histogram, bucket, count) < 0) {
            Py_CLEAR(histogram);
        }
        Py_XDECREF(bucket);
        Py_XDECREF(count);
    }
    return histogram;
}

/* What Python makes of a total. */
static PyObject *made_of(const Aggregate *aggregate, const Total *total) {
    PyObject *counted[1 + AGGREGATE_KEYS + AGGREGATE_SUMS + 1];
    Py_ssize_t count = 0;
    counted[count++] = PyLong_FromLongLong(total->ts);
    for (int i = 0; i < aggregate->key_count; i++) {
        const Value *value = &total->values[i];
        counted[count++] = is_text(aggregate, i) ? Py_NewRef(value->text)
                                                       : PyLong_FromLongLong(value->number);
    }
    const int64_t *sums = total->slot != NULL ? slot_now(total->slot)->sums : total->sums;
    for (int i = 0; i < aggregate->sum_count; i++) {
        counted[count++] = PyLong_FromLongLong(sums[i]);
    }
    if (aggregate->has_histogram) {
        counted[count++] = histogram_of(total);
    }
    bool whole = true;
    for (Py_ssize_t i = 0; i < count; i++) {
        whole = whole && counted[i] != NULL;
    }
    PyObject *made =
        whole ? PyObject_Vectorcall(aggregate->make, counted, 0, aggregate->names) : NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_XDECREF(counted[i]);
    }
    return made;
}

static PyObject *pair_of(const Aggregate *aggregate, const Total *total) {
    PyObject *made = made_of(aggregate, total);
    long slot = total->slot == NULL ? -1 : slots_number(&aggregate->slots, total->slot);
    return made == NULL ? NULL : Py_BuildValue("(Nl)", made, slot);
}

/* Moves the totals that are over into `over`, which has room for all. */
static size_t separate(Aggregate *aggregate, double before, Total *over) {
    size_t kept = 0, moved = 0;
    for (size_t i = 0; i < aggregate->count; i++) {
        Total *total = &aggregate->totals[i];
        if ((double)(total->ts + aggregate->seconds) <= before) {
            over[moved++] = *total;
        } else {
            aggregate->totals[kept++] = *total;
        }
    }
    aggregate->count = kept;
    aggregate->last = 0;
    memset(aggregate->table, 0, (aggregate->mask + 1) * sizeof *aggregate->table);
    for (size_t i = 0; i < kept; i++) {
        put(aggregate, i);
    }
    return moved;
}

PyObject *aggregate_take(Aggregate *aggregate, double before) {
    PyObject *made = PyList_New(0);
    if (made == NULL || aggregate->count == 0) {
        return made;
    }
    Total *over = malloc(aggregate->count * sizeof *over);
    if (over == NULL) {
        Py_DECREF(made);
        return PyErr_NoMemory();
    }
    size_t count = separate(aggregate, before, over);
    for (size_t i = 0; i < count; i++) {
        PyObject *each = made == NULL ? NULL : pair_of(aggregate, &over[i]);
        if (made != NULL && (each == NULL || PyList_Append(made, each) < 0)) {
            Py_CLEAR(made);
        }
        Py_XDECREF(each);
        forget(aggregate, &over[i]);
    }
    free(over);
    return made;
}

/* --- life --- */

void aggregate_clear(Aggregate *aggregate) {
    for (size_t i = 0; i < aggregate->count; i++) {
        forget(aggregate, &aggregate->totals[i]);
    }
    free(aggregate->totals);
    free(aggregate->table);
    aggregate->totals = NULL;
    aggregate->table = NULL;
    aggregate->count = aggregate->capacity = aggregate->mask = aggregate->last = 0;
    for (int i = 0; i < aggregate->key_count; i++) {
        known_clear(&aggregate->known[i]);
    }
    slots_detach(&aggregate->slots);
}

int aggregate_attach(Aggregate *aggregate, PyObject *memory) {
    for (size_t i = 0; i < aggregate->count; i++) {
        if (aggregate->totals[i].slot != NULL) {
            PyErr_SetString(PyExc_ValueError, "these totals have a mapping already");
            return -1;
        }
    }
    return slots_attach(&aggregate->slots, memory, aggregate->has_histogram);
}

int aggregate_release(Aggregate *aggregate, long number) {
    Slot *slot = slots_at(&aggregate->slots, number);
    if (slot == NULL) {
        PyErr_Format(PyExc_ValueError, "slot %ld is not in use", number);
        return -1;
    }
    slots_release(&aggregate->slots, slot);
    return 0;
}

void aggregate_free(Aggregate *aggregate) {
    aggregate_clear(aggregate);
    for (int i = 0; i < aggregate->key_count; i++) {
        Py_CLEAR(aggregate->known[i].other);
        source_clear(&aggregate->keys[i]);
    }
    Py_CLEAR(aggregate->name);
    Py_CLEAR(aggregate->make);
    Py_CLEAR(aggregate->names);
}

int aggregate_traverse(Aggregate *aggregate, visitproc visit, void *arg) {
    Py_VISIT(aggregate->make);
    return 0;
}
