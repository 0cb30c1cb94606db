/* The values of one key of an aggregate. Twin: pie/observe/record/aggregate.py (Known). */
#include "record/known.h"

#define FORGET_SECONDS 3600

/* Forgets what has not come for long; once in a bucket. */
static int sweep(Known *known, int64_t ts) {
    if (ts == known->swept) {
        return 0;
    }
    known->swept = ts;
    PyObject *kept = PyDict_New(), *value, *seen;
    Py_ssize_t at = 0;
    while (kept != NULL && PyDict_Next(known->seen, &at, &value, &seen)) {
        if (PyLong_AsLongLong(seen) > ts - FORGET_SECONDS &&
            PyDict_SetItem(kept, value, seen) < 0) {
            Py_CLEAR(kept);
        }
    }
    if (kept == NULL) {
        return -1;
    }
    Py_SETREF(known->seen, kept);
    return 0;
}

/* 1 = it may be held, 0 = there is no room, -1 = error. */
static int hold(Known *known, PyObject *value, int64_t ts) {
    if (known->seen == NULL && (known->seen = PyDict_New()) == NULL) {
        return -1;
    }
    int held = PyDict_Contains(known->seen, value);
    if (held == 0 && PyDict_GET_SIZE(known->seen) >= known->cap) {
        if (sweep(known, ts) < 0) {
            return -1;
        }
        if (PyDict_GET_SIZE(known->seen) >= known->cap) {
            return 0;
        }
    }
    PyObject *seen = held < 0 ? NULL : PyLong_FromLongLong(ts);
    int set = seen == NULL ? -1 : PyDict_SetItem(known->seen, value, seen);
    Py_XDECREF(seen);
    return set < 0 ? -1 : 1;
}

int known_admit(Known *known, Value *value, int64_t ts) {
    if (known->cap == 0) {
        return 0;
    }
    int held = 0;
    if (known->is_text) {
        held = hold(known, value->text, ts);
    } else if (value->number >= INT32_MIN && value->number <= INT32_MAX) {
        PyObject *number = PyLong_FromLongLong(value->number);
        held = number == NULL ? -1 : hold(known, number, ts);
        Py_XDECREF(number);
    }
    if (held < 0) {
        PyErr_Clear();
        return -1;
    }
    if (held == 0) {
        *value = known->other_value;
    }
    return 0;
}

void known_clear(Known *known) {
    Py_CLEAR(known->seen);
    known->swept = 0;
}
