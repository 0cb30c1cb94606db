/* An aggregate made of its description. Twin: pie/observe/record/aggregate.py (Shape). */
#include "record/aggregate_init.h"

#include "base/named.h"

/* pie.observe.record.description.Aggregate */
typedef struct {
    PyObject *name, *make, *names, *counted, *keys, *sums, *histograms;
    Py_ssize_t seconds;
} Description;

static const NamedField description_fields[] = {
    NAMED(Description, name, TEXT),    NAMED(Description, seconds, SIZE),
    NAMED(Description, counted, TEXT), NAMED(Description, make, CALLABLE),
    NAMED(Description, names, TUPLE),  NAMED(Description, keys, LIST),
    NAMED(Description, sums, LIST),    NAMED(Description, histograms, LIST),
    NAMED_END};
static NamedStruct description_struct = {"pie.observe.record.description.Aggregate",
                                         description_fields};

typedef struct {
    PyObject *name, *source, *other;
    Py_ssize_t cap;
} Key;

static const NamedField key_fields[] = {NAMED(Key, name, TEXT), NAMED(Key, source, TEXT),
                                        NAMED(Key, cap, SIZE), NAMED(Key, other, OBJECT), NAMED_END};
static NamedStruct key_struct = {"pie.observe.record.description.CountedApart", key_fields};

typedef struct {
    PyObject *name, *source;
} Sum;

static const NamedField sum_fields[] = {NAMED(Sum, name, TEXT), NAMED(Sum, source, TEXT), NAMED_END};
static NamedStruct sum_struct = {"pie.observe.record.description.Counted", sum_fields};

static int wrong_kind(PyObject *described, const char *wanted) {
    PyErr_Format(PyExc_ValueError, "the source of %R is not %s", described, wanted);
    return -1;
}

static int set_key(Source *source, Known *known, const Key *key) {
    if (source_of(source, key->source) < 0) {
        return -1;
    }
    known->cap = key->cap;
    known->other = Py_NewRef(key->other);
    known->is_text = PyUnicode_CheckExact(known->other);
    if (known->is_text ? source->kind != SOURCE_TEXT : !source_is_number(source)) {
        return wrong_kind(key->source, "of the type of its other");
    }
    if (known->is_text) {
        known->other_value.text = known->other;
        return 0;
    }
    known->other_value.number = PyLong_AsLongLong(known->other);
    return known->other_value.number == -1 && PyErr_Occurred() ? -1 : 0;
}

static int set_keys(Aggregate *aggregate, PyObject *described) {
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(described); i++) {
        Key key = {0};
        if (named_read(&key_struct, PyList_GET_ITEM(described, i), &key) < 0) {
            return -1;
        }
        aggregate->key_count++;
        int done = set_key(&aggregate->keys[i], &aggregate->known[i], &key);
        named_clear(&key_struct, &key);
        if (done < 0) {
            return -1;
        }
    }
    return 0;
}

static int set_number(Source *source, PyObject *path) {
    int done = source_of(source, path);
    if (done == 0 && !source_is_number(source)) {
        source_clear(source);
        done = wrong_kind(path, "a whole number");
    }
    return done;
}

static int set_sum(Source *source, PyObject *described) {
    Sum sum = {0};
    if (named_read(&sum_struct, described, &sum) < 0) {
        return -1;
    }
    int done = set_number(source, sum.source);
    named_clear(&sum_struct, &sum);
    return done;
}

static int set_all(Aggregate *aggregate, const Description *given) {
    Py_ssize_t sums = PyList_GET_SIZE(given->sums);
    Py_ssize_t histograms = PyList_GET_SIZE(given->histograms);
    if (PyList_GET_SIZE(given->keys) > AGGREGATE_KEYS || sums > AGGREGATE_SUMS || histograms > 1) {
        PyErr_Format(PyExc_ValueError, "an aggregate has at most %d keys, %d sums, 1 histogram",
                     AGGREGATE_KEYS, AGGREGATE_SUMS);
        return -1;
    }
    int done = set_number(&aggregate->counted, given->counted);
    done = done < 0 ? -1 : set_keys(aggregate, given->keys);
    for (; done == 0 && aggregate->sum_count < sums; aggregate->sum_count++) {
        int number = aggregate->sum_count;
        done = set_sum(&aggregate->sums[number], PyList_GET_ITEM(given->sums, number));
    }
    if (done == 0 && histograms == 1) {
        aggregate->has_histogram = true;
        done = set_sum(&aggregate->duration, PyList_GET_ITEM(given->histograms, 0));
    }
    return done;
}

int aggregate_init(Aggregate *aggregate, PyObject *described) {
    Description given = {0};
    if (named_read(&description_struct, described, &given) < 0) {
        return -1;
    }
    aggregate->name = Py_NewRef(given.name);
    aggregate->make = Py_NewRef(given.make);
    aggregate->names = Py_NewRef(given.names);
    aggregate->seconds = given.seconds;
    int done = set_all(aggregate, &given);
    named_clear(&description_struct, &given);
    Py_ssize_t values = 1 + aggregate->key_count + aggregate->sum_count + aggregate->has_histogram;
    if (done == 0 && (PyTuple_GET_SIZE(aggregate->names) != values || aggregate->seconds < 1)) {
        PyErr_Format(PyExc_ValueError, "%R does not name what it counts", described);
        done = -1;
    }
    return done;
}

int aggregate_setup(void) {
    if (named_add(&description_struct) < 0 || named_add(&key_struct) < 0) {
        return -1;
    }
    return named_add(&sum_struct);
}
