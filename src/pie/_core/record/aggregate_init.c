/* An aggregate made of its description. Twin: pie/observe/record/aggregate.py (Shape). */
#include "record/aggregate_init.h"

/* The values that `name` of the description lists, as a tuple; at most `most`. */
static PyObject *listed(PyObject *description, const char *name, Py_ssize_t most) {
    PyObject *list = PyObject_GetAttrString(description, name);
    PyObject *found = list == NULL ? NULL : PySequence_Tuple(list);
    Py_XDECREF(list);
    if (found != NULL && PyTuple_GET_SIZE(found) > most) {
        PyErr_Format(PyExc_ValueError, "an aggregate has at most %zd %s", most, name);
        Py_CLEAR(found);
    }
    return found;
}

static int wrong_kind(PyObject *description, const char *wanted) {
    PyErr_Format(PyExc_ValueError, "the source of %R is not %s", description, wanted);
    return -1;
}

static int read_source(PyObject *description, Source *source) {
    PyObject *path = text_of(description, "source");
    int done = path == NULL ? -1 : source_of(source, path);
    Py_XDECREF(path);
    return done;
}

static int read_number_source(PyObject *description, Source *source) {
    int done = read_source(description, source);
    return done == 0 && !source_is_number(source) ? wrong_kind(description, "a whole number") : done;
}

static int read_key(PyObject *description, Source *source, Known *known) {
    if (read_source(description, source) < 0 || number_of(description, "cap", &known->cap) < 0) {
        return -1;
    }
    known->other = PyObject_GetAttrString(description, "other");
    if (known->other == NULL) {
        return -1;
    }
    known->is_text = PyUnicode_CheckExact(known->other);
    if (known->is_text ? source->kind != SOURCE_TEXT : !source_is_number(source)) {
        return wrong_kind(description, "of the kind of its other");
    }
    if (known->is_text) {
        known->other_value.text = known->other;
        return 0;
    }
    known->other_value.number = PyLong_AsLongLong(known->other);
    return known->other_value.number == -1 && PyErr_Occurred() ? -1 : 0;
}

static int read_keys(Aggregate *aggregate, PyObject *description) {
    PyObject *keys = listed(description, "keys", AGGREGATE_KEYS);
    int done = keys == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; done == 0 && i < PyTuple_GET_SIZE(keys); i++) {
        aggregate->key_count++;
        done = read_key(PyTuple_GET_ITEM(keys, i), &aggregate->keys[i], &aggregate->known[i]);
    }
    Py_XDECREF(keys);
    return done;
}

static int read_sums(Aggregate *aggregate, PyObject *description) {
    PyObject *sums = listed(description, "sums", AGGREGATE_SUMS);
    int done = sums == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; done == 0 && i < PyTuple_GET_SIZE(sums); i++) {
        aggregate->sum_count++;
        done = read_number_source(PyTuple_GET_ITEM(sums, i), &aggregate->sums[i]);
    }
    Py_XDECREF(sums);
    return done;
}

static int read_histogram(Aggregate *aggregate, PyObject *description) {
    PyObject *found = listed(description, "histograms", 1);
    int done = found == NULL ? -1 : 0;
    if (done == 0 && PyTuple_GET_SIZE(found) == 1) {
        aggregate->has_histogram = true;
        done = read_number_source(PyTuple_GET_ITEM(found, 0), &aggregate->duration);
    }
    Py_XDECREF(found);
    return done;
}

static int read_counted(Aggregate *aggregate, PyObject *description) {
    PyObject *path = text_of(description, "counted");
    int done = path == NULL ? -1 : source_of(&aggregate->counted, path);
    Py_XDECREF(path);
    return done == 0 && !source_is_number(&aggregate->counted)
               ? wrong_kind(description, "a whole number")
               : done;
}

int aggregate_init(Aggregate *aggregate, PyObject *description) {
    aggregate->name = text_of(description, "name");
    aggregate->make = PyObject_GetAttrString(description, "make");
    aggregate->names = listed(description, "names", 1 + AGGREGATE_KEYS + AGGREGATE_SUMS + 1);
    if (aggregate->name == NULL || aggregate->make == NULL || aggregate->names == NULL ||
        number_of(description, "seconds", &aggregate->seconds) < 0 ||
        read_counted(aggregate, description) < 0 || read_keys(aggregate, description) < 0 ||
        read_sums(aggregate, description) < 0 || read_histogram(aggregate, description) < 0) {
        return -1;
    }
    Py_ssize_t values = 1 + aggregate->key_count + aggregate->sum_count + aggregate->has_histogram;
    if (PyTuple_GET_SIZE(aggregate->names) != values || aggregate->seconds < 1) {
        PyErr_Format(PyExc_ValueError, "%R does not name what it counts", description);
        return -1;
    }
    return 0;
}
