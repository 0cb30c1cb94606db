/* A call's whole way through one list of gates, for a driver that never has a second attempt.
 * Twin: pie/call/flow.py, for a course without gates of attempts.
 */
#include <errno.h>

#include "base/clock.h"
#include "base/errors.h"
#include "call/gates.h"
#include "call/outcome.h"

static PyObject *too_long; /* pie.call.flow.too_long */

int raise_too_long(CallObject *call, double delay) {
    PyObject *seconds = PyFloat_FromDouble(delay);
    PyObject *failure =
        seconds ? PyObject_CallFunctionObjArgs(too_long, call, seconds, NULL) : NULL;
    Py_XDECREF(seconds);
    if (failure != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(failure), failure);
        Py_DECREF(failure);
    }
    return -1;
}

/* Fails the call with `cause`. 1 = the cause is for whoever cancelled, not for the caller. */
static int fail(CallObject *call, PyObject *cause) {
    PyObject *failure = call_fail_with(call, cause);
    if (failure == NULL) {
        return -1;
    }
    Py_DECREF(failure);
    return !PyObject_TypeCheck(cause, (PyTypeObject *)PyExc_Exception);
}

int passage_finish(Passage *passage, CallObject *call, PyObject *cause) {
    Py_INCREF(call); /* The passage may hold the last reference. */
    int passes = cause == NULL ? 0 : fail(call, cause);
    PyObject *error = passes < 0 ? error_take() : NULL;
    if (passage_leave(passage) < 0) {
        Py_XSETREF(error, error_take());
    }
    if (error == NULL && passes) {
        error = Py_NewRef(cause);
    } else if (error == NULL && call->failure != NULL) {
        error = Py_NewRef(call->failure);
        PyException_SetCause(error, cause == error ? NULL : Py_XNewRef(cause));
    }
    Py_XDECREF(cause);
    Py_DECREF(call);
    if (error == NULL) {
        return 0;
    }
    error_give(error);
    return -1;
}

static int wait_for_gate(CallObject *call, double delay) {
    if (!isnan(call->deadline) && monotonic_now() + delay >= call->deadline) {
        return raise_too_long(call, delay);
    }
    struct timespec pause = {(time_t)delay, (long)((delay - floor(delay)) * 1e9)};
    if (delay > 0) {
        int interrupted;
        do { /* What is left after a signal, as time.sleep does. */
            Py_BEGIN_ALLOW_THREADS
            interrupted = nanosleep(&pause, &pause) < 0 && errno == EINTR;
            Py_END_ALLOW_THREADS
            if (PyErr_CheckSignals() < 0) {
                return -1;
            }
        } while (interrupted);
    }
    return 0;
}

int passage_begin(Passage *passage, PyObject *gates, CallObject *call) {
    double delay;
    *passage = (Passage){0};
    if (!PyObject_TypeCheck(gates, &GateList_Type)) {
        PyErr_SetString(PyExc_TypeError, "a passage leads through a GateList");
        return -1;
    }
    call->started = wall_now();
    call->start = call->attempt_start = monotonic_now();
    bool waited = false;
    int waits = passage_start(passage, gates, call) < 0 ? -1 : 1;
    while (waits > 0) {
        waits = passage_enter(passage, &delay);
        waited |= waits > 0;
        if (waits > 0 && wait_for_gate(call, delay) < 0) {
            waits = -1;
        }
    }
    if (waits == 0) {
        double now = waited ? monotonic_now() : call->start;
        call->queued = now - (call->received != 0 ? call->received : call->start);
        return 0;
    }
    call->end = monotonic_now();
    return passage_finish(passage, call, error_take());
}

int passage_end(Passage *passage) {
    CallObject *call = passage->call;
    PyObject *cause = PyErr_Occurred() ? error_take() : NULL;
    if (cause == NULL && UNLIKELY(call->failure != NULL)) {
        Py_CLEAR(call->failure);
    }
    call->end = monotonic_now();
    return passage_finish(passage, call, cause);
}

static PyObject *setup_flow(PyObject *module, PyObject *function) {
    Py_XSETREF(too_long, Py_NewRef(function));
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"setup_flow", setup_flow, METH_O, "What makes the Failure of a delay past the deadline."},
    {NULL},
};

int passage_init(PyObject *module) {
    return PyModule_AddFunctions(module, functions);
}
