/* What the writer takes from a call log, and the shared mapping that its rows and lines wait in. */
#include "record/call_log_take.h"

static const char *const ring_names[RINGS] = {"calls", "served", "asked"};

static Ring *ring_named(CallLog *self, PyObject *name) {
    for (int i = 0; i < RINGS; i++) {
        if (PyUnicode_Check(name) && PyUnicode_CompareWithASCIIString(name, ring_names[i]) == 0) {
            return &self->rings[i];
        }
    }
    PyErr_Format(PyExc_ValueError, "there is nothing called %R to take", name);
    return NULL;
}

PyObject *call_log_take(CallLog *self, PyObject *name) {
    Ring *ring = ring_named(self, name);
    self->woken = false;
    return ring == NULL ? NULL : ring_take(ring);
}

PyObject *call_log_take_half(CallLog *self, PyObject *name) {
    Ring *ring = ring_named(self, name);
    self->woken = false;
    return ring == NULL ? NULL : ring_take_half(ring);
}

PyObject *call_log_release_half(CallLog *self, PyObject *const *args, Py_ssize_t count) {
    long number = count == 2 ? PyLong_AsLong(args[1]) : 0;
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "release_half() takes a name and a number");
        return NULL;
    }
    if (number == -1 && PyErr_Occurred()) {
        return NULL;
    }
    Ring *ring = ring_named(self, args[0]);
    if (ring == NULL || ring_release_half(ring, number) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

PyObject *call_log_attach_halves(CallLog *self, PyObject *const *args, Py_ssize_t count) {
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "attach_halves() takes a name and a buffer");
        return NULL;
    }
    Ring *ring = ring_named(self, args[0]);
    if (ring == NULL || ring_attach(ring, args[1]) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static Aggregate *aggregate_named(CallLog *self, PyObject *name) {
    for (int i = 0; i < self->aggregate_count; i++) {
        if (PyUnicode_Compare(self->aggregates[i].name, name) == 0) {
            return &self->aggregates[i];
        }
    }
    PyErr_Format(PyExc_ValueError, "no totals are called %R", name);
    return NULL;
}

PyObject *call_log_take_totals(CallLog *self, PyObject *const *args, Py_ssize_t count) {
    double before = count == 2 ? PyFloat_AsDouble(args[1]) : 0;
    if (count != 2 || !PyUnicode_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "take_totals() takes a name and a time");
        return NULL;
    }
    if (before == -1.0 && PyErr_Occurred()) {
        return NULL;
    }
    Aggregate *aggregate = aggregate_named(self, args[0]);
    if (aggregate == NULL) {
        return NULL;
    }
    self->woken = false;
    return aggregate_take(aggregate, before);
}

PyObject *call_log_attach(CallLog *self, PyObject *const *args, Py_ssize_t count) {
    if (count != 2 || !PyUnicode_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "attach() takes a name and a buffer");
        return NULL;
    }
    Aggregate *aggregate = aggregate_named(self, args[0]);
    if (aggregate == NULL || aggregate_attach(aggregate, args[1]) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

PyObject *call_log_release(CallLog *self, PyObject *const *args, Py_ssize_t count) {
    long slot = count == 2 ? PyLong_AsLong(args[1]) : 0;
    if (count != 2 || !PyUnicode_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "release() takes a name and a slot");
        return NULL;
    }
    if (slot == -1 && PyErr_Occurred()) {
        return NULL;
    }
    Aggregate *aggregate = aggregate_named(self, args[0]);
    if (aggregate == NULL || aggregate_release(aggregate, slot) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}
