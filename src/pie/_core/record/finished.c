/* A finished call as it is written down. Twin: pie/observe/record/finished.py. */
#include "record/finished.h"

static PyObject *ok_text, *business_text, *empty_text;
static PyObject *kind_name, *raised_by_name, *rule_name, *outcome_name;

/* The number of microseconds nearest to `seconds`, ties to even, exactly as round(seconds, 6) does
 * it. -1 where that is not to be had from 53 bits. */
static int64_t microseconds(double seconds) {
    if (signbit(seconds) || !(seconds < 4294967296.0)) {
        return -1;
    }
    int exponent;
    int64_t mantissa = (int64_t)ldexp(frexp(seconds, &exponent), 53);
    int shift = 53 - exponent; /* seconds = mantissa / 2**shift, shift >= 21 */
    if (shift > 100) {
        return 0;
    }
    unsigned __int128 product = (unsigned __int128)mantissa * 1000000;
    unsigned __int128 rest = product & (((unsigned __int128)1 << shift) - 1);
    unsigned __int128 half = (unsigned __int128)1 << (shift - 1);
    int64_t whole = (int64_t)(product >> shift);
    return whole + (rest > half || (rest == half && (whole & 1)));
}

static int set_times(Finished *finished) {
    CallObject *call = finished->call;
    double duration = (call->end - call->start) * 1e6, queued = call->queued * 1e6;
    if (!isfinite(call->started) || !isfinite(duration) || fabs(duration) > 9e18 ||
        !isfinite(queued) || fabs(queued) > 9e18) {
        PyErr_SetString(PyExc_ValueError, "a call without finite times cannot be recorded");
        return -1;
    }
    finished->ts_us = microseconds(call->started);
    if (LIKELY(finished->ts_us >= 0)) {
        finished->ts = (double)finished->ts_us / 1e6;
    } else {
        char *text = PyOS_double_to_string(call->started, 'f', 6, 0, NULL);
        if (text == NULL) {
            return -1;
        }
        finished->ts = PyOS_string_to_double(text, NULL, NULL);
        PyMem_Free(text);
        if (finished->ts == -1.0 && PyErr_Occurred()) {
            return -1;
        }
    }
    finished->duration_us = duration > 0 ? (int64_t)rint(duration) : 0;
    finished->queued_us = queued > 0 ? (int64_t)rint(queued) : 0;
    finished->ended = finished->ts + (double)finished->duration_us / 1e6;
    if (fabs(finished->ended) > 9e18) {
        PyErr_SetString(PyExc_ValueError, "a call that ended so late cannot be recorded");
        return -1;
    }
    return 0;
}

static PyObject *text_attribute(PyObject *failure, PyObject *name) {
    PyObject *value = PyObject_GetAttr(failure, name);
    if (value == NULL || PyUnicode_CheckExact(value)) {
        return value;
    }
    PyObject *text = NULL;
    if (PyUnicode_Check(value)) {
        text = PyUnicode_FromObject(value); /* Kind is a StrEnum. */
    } else {
        PyErr_Format(PyExc_TypeError, "Failure.%U must be a str, not %.100s", name,
                     Py_TYPE(value)->tp_name);
    }
    Py_DECREF(value);
    return text;
}

/* Whether a business code counts as a failure is known by Call.outcome; NULL with an exception. */
static PyObject *business_outcome(CallObject *call) {
    PyObject *outcome = PyObject_GetAttr((PyObject *)call, outcome_name);
    if (outcome != NULL && !PyUnicode_CheckExact(outcome)) {
        PyErr_SetString(PyExc_TypeError, "Call.outcome must be a str");
        Py_CLEAR(outcome);
    }
    return outcome;
}

static int set_outcome(Finished *finished) {
    PyObject *failure = finished->call->failure;
    if (LIKELY(failure == NULL)) {
        finished->outcome = finished->call->code == 0 ? Py_NewRef(ok_text) : business_outcome(finished->call);
        if (finished->outcome == NULL) {
            return -1;
        }
        finished->failures = finished->outcome != ok_text && PyUnicode_Compare(finished->outcome, business_text) != 0;
        finished->raised_by = Py_NewRef(empty_text);
        finished->rule = Py_NewRef(empty_text);
        return 0;
    }
    Py_INCREF(failure);
    finished->outcome = text_attribute(failure, kind_name);
    finished->raised_by = finished->outcome ? text_attribute(failure, raised_by_name) : NULL;
    finished->rule = finished->raised_by ? text_attribute(failure, rule_name) : NULL;
    Py_DECREF(failure);
    if (finished->rule == NULL) {
        return -1;
    }
    finished->failures = PyUnicode_Compare(finished->outcome, ok_text) != 0 &&
                         PyUnicode_Compare(finished->outcome, business_text) != 0;
    return 0;
}

int finished_check(const Finished *finished) {
    PyObject *notes = finished->call->notes;
    for (Py_ssize_t i = 0; notes != NULL && i < PyList_GET_SIZE(notes); i++) {
        if (!PyUnicode_Check(PyList_GET_ITEM(notes, i))) {
            PyErr_Format(PyExc_TypeError, "Call.notes must hold str, not %.100s",
                         Py_TYPE(PyList_GET_ITEM(notes, i))->tp_name);
            return -1;
        }
    }
    return 0;
}

static PyObject *first_of(PyObject *text, PyObject *instead) {
    return Py_NewRef(PyUnicode_GET_LENGTH(text) ? text : instead);
}

static void set_rest(Finished *finished, const ProcessTexts *process) {
    const CallObject *call = finished->call;
    bool serves = call_is_served(call);
    finished->env = first_of(call->env, process->env);
    finished->version = first_of(call->version, serves ? process->version : empty_text);
    long further = call->attempts - 1 - call->hedges;
    finished->retries = further > 0 ? further : 0;
    finished->whole = call->attempt == 0;
    finished->sent = !serves && (call->attempt > 0 || call->attempts == 1) &&
                     PyUnicode_GET_LENGTH(call->peer) != 0;
}

int finished_of(Finished *finished, CallObject *call, const ProcessTexts *process) {
    *finished = (Finished){.call = call, .weight = 1, .one = 1};
    if (set_outcome(finished) < 0 || set_times(finished) < 0) {
        finished_clear(finished);
        return -1;
    }
    set_rest(finished, process);
    return 0;
}

void finished_clear(Finished *finished) {
    Py_CLEAR(finished->outcome);
    Py_CLEAR(finished->raised_by);
    Py_CLEAR(finished->rule);
    Py_CLEAR(finished->env);
    Py_CLEAR(finished->version);
}

int finished_init(void) {
    ok_text = PyUnicode_InternFromString("ok");
    business_text = PyUnicode_InternFromString("business");
    empty_text = PyUnicode_InternFromString("");
    kind_name = PyUnicode_InternFromString("kind");
    raised_by_name = PyUnicode_InternFromString("raised_by");
    rule_name = PyUnicode_InternFromString("rule");
    outcome_name = PyUnicode_InternFromString("outcome");
    return outcome_name && ok_text && business_text && empty_text && kind_name && raised_by_name && rule_name
               ? 0
               : -1;
}
