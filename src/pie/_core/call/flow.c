/* The course of a call. Twin: pie/call/flow.py. A served call has one attempt and no gates of it. */
#include "call/flow.h"

#include <errno.h>

#include "base/clock.h"
#include "base/errors.h"
#include "call/logid.h"
#include "call/outcome.h"
#include "call/system_clock.h"

#define LONGEST_WAIT 1e9 /* seconds */

static PyObject *too_long, *no_wait; /* of pie.call.flow */

/* --- time --- */

static int clock_of(const Flow *flow, const char *which, double (*system)(void), double *seconds) {
    PyObject *clock = flow->course->clock;
    if (LIKELY(clock_is_system(clock))) {
        *seconds = system();
        return 0;
    }
    PyObject *now = PyObject_CallMethod(clock, which, NULL);
    if (now == NULL) {
        return -1;
    }
    *seconds = PyFloat_AsDouble(now);
    Py_DECREF(now);
    return PyErr_Occurred() ? -1 : 0;
}

static int monotonic(const Flow *flow, double *seconds) {
    return clock_of(flow, "monotonic", monotonic_now, seconds);
}

/* --- gates --- */

/* Sets the Failure, made by `why`, of a call that cannot wait as long as a gate asks; always -1. */
static int refuse_delay(const Flow *flow, const Passage *passage, PyObject *why) {
    passage_reject(passage);
    PyObject *seconds = PyFloat_FromDouble(flow->delay);
    PyObject *failure = seconds ? PyObject_CallFunctionObjArgs(why, flow->call, seconds, NULL) : NULL;
    Py_XDECREF(seconds);
    if (failure != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(failure), failure);
        Py_DECREF(failure);
    }
    return -1;
}

/* 0 = inside, 1 = flow->delay is to be waited first, -1 = rejected. */
static int enter(Flow *flow, Passage *passage) {
    int waits = passage_enter(passage, &flow->delay);
    double now;
    if (LIKELY(waits <= 0) || isnan(flow->call->deadline)) {
        return waits;
    }
    if (monotonic(flow, &now) < 0) {
        return -1;
    }
    if (now + flow->delay < flow->call->deadline) {
        return 1;
    }
    return refuse_delay(flow, passage, too_long);
}

/* --- the call --- */

/* Fails the call with `cause`. 1 = it is a cancellation, which goes on to the thread or task. */
static int fail(CallObject *call, PyObject *cause) {
    PyObject *failure = call_fail_with(call, cause);
    if (failure == NULL) {
        return -1;
    }
    Py_DECREF(failure);
    return !PyObject_TypeCheck(cause, (PyTypeObject *)PyExc_Exception);
}

/* The call has its outcome, or an error (whose reference is taken over) that is to become one. */
static Step end_call(Flow *flow, PyObject *cause) {
    CallObject *call = flow->call;
    flow->state = FLOW_OVER;
    if (monotonic(flow, &call->end) < 0) {
        Py_XSETREF(cause, error_take());
    }
    int passes = cause == NULL ? 0 : fail(call, cause);
    PyObject *error = passes < 0 ? error_take() : NULL;
    if (passage_leave(&flow->passage) < 0) {
        Py_XSETREF(error, error_take());
    }
    if (error == NULL && passes) {
        error = Py_NewRef(cause);
    } else if (error == NULL && call->failure != NULL) {
        error_raise(call->failure); /* A gate may have put anything there. */
        error = error_take();
        PyException_SetCause(error, cause == error ? NULL : Py_XNewRef(cause));
    }
    Py_XDECREF(cause);
    if (error == NULL) {
        return STEP_DONE;
    }
    error_give(error);
    return STEP_ERROR;
}

static Step call_failed(Flow *flow) {
    return end_call(flow, error_take());
}

/* --- attempts --- */

/* Reports the attempt that just ended. */
static int report(Flow *flow) {
    PyObject *on_attempt = flow->course->on_attempt;
    if (on_attempt == Py_None) {
        return 0;
    }
    PyObject *attempt = PyObject_CallMethod((PyObject *)flow->call, "as_attempt", NULL);
    PyObject *done = attempt == NULL ? NULL : PyObject_CallOneArg(on_attempt, attempt);
    Py_XDECREF(attempt);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

/* Seconds to wait before another attempt, NAN for no other; -1 = error. */
static int retry_pause(Flow *flow, double *seconds) {
    PyObject *retry = flow->course->retry;
    *seconds = NAN;
    if (retry == Py_None) {
        return 0;
    }
    PyObject *pause = PyObject_CallMethod(retry, "pause", "O", flow->call);
    if (pause == NULL) {
        return -1;
    }
    if (pause != Py_None) {
        *seconds = PyFloat_AsDouble(pause);
    }
    Py_DECREF(pause);
    return PyErr_Occurred() ? -1 : 0;
}

/* The attempt keeps the span its peer saw; the call, now more than that, takes a new one. A call
 * that is tried once stays one Call and one record. */
static int become_more(Flow *flow) {
    PyObject *span = new_span_id();
    if (span == NULL) {
        return -1;
    }
    call_set(&flow->call->span_id, span);
    return report(flow);
}

/* An attempt is over: `error` is the exception that ended it, taken over, or NULL. */
static Step end_attempt(Flow *flow, PyObject *error) {
    bool passes = false; /* A cancellation goes on to the thread or task. */
    PyObject *own = NULL; /* An error on the way out replaces the attempt's. */
    if (error != NULL) {
        PyObject *failure = call_fail_with(flow->call, error);
        own = failure == NULL ? error_take() : NULL;
        Py_XDECREF(failure);
        passes = !PyObject_TypeCheck(error, (PyTypeObject *)PyExc_Exception);
    }
    if (monotonic(flow, &flow->call->end) < 0) {
        Py_XSETREF(own, error_take());
    }
    if (passage_leave(&flow->attempt) < 0) {
        Py_XSETREF(own, error_take());
    }
    if (own == NULL && flow->call->attempts > 1 && report(flow) < 0) {
        own = error_take();
    }
    if (own != NULL) {
        Py_XDECREF(error);
        return end_call(flow, own);
    }
    if (error == NULL || passes) {
        return end_call(flow, error);
    }
    double pause;
    if (retry_pause(flow, &pause) < 0) {
        Py_DECREF(error);
        return call_failed(flow);
    }
    if (isnan(pause)) {
        return end_call(flow, error);
    }
    Py_DECREF(error);
    if (flow->call->attempts == 1 && become_more(flow) < 0) {
        return call_failed(flow);
    }
    flow->delay = pause;
    flow->state = FLOW_RETRY_WAITING;
    return STEP_WAIT;
}

static Step enter_attempt(Flow *flow) {
    int waits = enter(flow, &flow->attempt);
    if (waits < 0) {
        return end_attempt(flow, error_take());
    }
    flow->state = waits ? FLOW_ATTEMPT_WAITING : FLOW_ATTEMPT_SENT;
    return waits ? STEP_WAIT : STEP_SEND;
}

static Step begin_attempt(Flow *flow) {
    if (monotonic(flow, &flow->call->attempt_start) < 0) {
        return call_failed(flow);
    }
    if (passage_start(&flow->attempt, flow->course->attempt_gates, flow->call) < 0) {
        return call_failed(flow);
    }
    return enter_attempt(flow);
}

static Step try_again(Flow *flow) {
    CallObject *call = flow->call;
    PyObject *span = new_span_id();
    PyObject *done = span ? PyObject_CallMethod((PyObject *)call, "next_attempt", "O", span) : NULL;
    Py_XDECREF(span);
    if (done == NULL) {
        return call_failed(flow);
    }
    Py_DECREF(done);
    call_set(&call->candidates, Py_XNewRef(flow->candidates));
    return begin_attempt(flow);
}

static Step enter_call(Flow *flow) {
    int waits = enter(flow, &flow->passage);
    if (waits < 0) {
        return call_failed(flow);
    }
    if (waits > 0) {
        flow->state = FLOW_WAITING;
        return STEP_WAIT;
    }
    if (flow->course->attempt_gates == Py_None) {
        CallObject *call = flow->call;
        if (monotonic(flow, &call->queued) < 0) {
            return call_failed(flow);
        }
        call->queued -= call->received != 0 ? call->received : call->start;
        flow->state = FLOW_SENT;
        return STEP_SEND;
    }
    flow->candidates = Py_XNewRef(flow->call->candidates);
    return begin_attempt(flow);
}

static Step begin_call(Flow *flow) {
    CallObject *call = flow->call;
    if (clock_of(flow, "wall", wall_now, &call->started) < 0 || monotonic(flow, &call->start) < 0 ||
        passage_start(&flow->passage, flow->course->gates, call) < 0) {
        flow->state = FLOW_OVER;
        return STEP_ERROR;
    }
    call->attempt_start = call->start;
    return enter_call(flow);
}

static Step advance(Flow *flow, PyObject *result) {
    bool thrown = result == NULL && PyErr_Occurred();
    switch (flow->state) {
    case FLOW_NEW:
        if (thrown) {
            flow->state = FLOW_OVER;
            return STEP_ERROR;
        }
        return begin_call(flow);
    case FLOW_WAITING:
        return thrown ? call_failed(flow) : enter_call(flow);
    case FLOW_SENT:
        if (thrown) {
            return call_failed(flow);
        }
        call_succeed(flow->call, Py_XNewRef(result));
        return end_call(flow, NULL);
    case FLOW_ATTEMPT_WAITING:
        return thrown ? end_attempt(flow, error_take()) : enter_attempt(flow);
    case FLOW_ATTEMPT_SENT:
        if (thrown) {
            return end_attempt(flow, error_take());
        }
        call_succeed(flow->call, Py_XNewRef(result));
        return end_attempt(flow, NULL);
    case FLOW_RETRY_WAITING:
        return thrown ? call_failed(flow) : try_again(flow);
    case FLOW_OVER:
        return thrown ? STEP_ERROR : STEP_DONE;
    }
    Py_UNREACHABLE();
}

Step flow_advance(Flow *flow, PyObject *result) {
    if (flow->busy) {
        PyErr_Clear();
        PyErr_SetString(PyExc_ValueError, "the call is being advanced by somebody else");
        return STEP_ERROR;
    }
    flow->busy = true;
    Step step = advance(flow, result);
    flow->busy = false;
    return step;
}

/* What is left after a signal is waited, too, as time.sleep does. */
static int wait_here(double delay) {
    if (!(delay <= LONGEST_WAIT)) {
        PyErr_SetString(PyExc_OverflowError, "a gate asks for a delay that cannot be waited");
        return -1;
    }
    struct timespec pause = {(time_t)delay, (long)((delay - floor(delay)) * 1e9)};
    int interrupted = delay > 0;
    while (interrupted) {
        Py_BEGIN_ALLOW_THREADS
        interrupted = nanosleep(&pause, &pause) < 0 && errno == EINTR;
        Py_END_ALLOW_THREADS
        if (PyErr_CheckSignals() < 0) {
            return -1;
        }
    }
    return 0;
}

Step flow_drive(Flow *flow, PyObject *result) {
    Step step = flow_advance(flow, result);
    while (step == STEP_WAIT) {
        wait_here(flow->delay); /* An exception of it goes on to the flow. */
        step = flow_advance(flow, NULL);
    }
    return step;
}

Step flow_begin_at_once(Flow *flow) {
    Step step = flow_advance(flow, NULL);
    if (UNLIKELY(step == STEP_WAIT)) {
        refuse_delay(flow, &flow->passage, no_wait);
        step = flow_advance(flow, NULL);
    }
    return step;
}

int flow_close(Flow *flow) {
    if (flow->state == FLOW_NEW || flow->state == FLOW_OVER) {
        flow->state = FLOW_OVER;
        return 0;
    }
    PyErr_SetNone(PyExc_GeneratorExit);
    if (flow_advance(flow, NULL) == STEP_ERROR && !PyErr_ExceptionMatches(PyExc_GeneratorExit)) {
        return -1;
    }
    PyErr_Clear();
    return 0;
}

int flow_init(Flow *flow, PyObject *call, PyObject *course) {
    if (!call_is(call)) {
        PyErr_Format(PyExc_TypeError, "a Call is needed, not %.100s", Py_TYPE(call)->tp_name);
        return -1;
    }
    if (!Py_IS_TYPE(course, &Course_Type) || ((Course *)course)->gates == NULL) {
        PyErr_Format(PyExc_TypeError, "a Course is needed, not %.100s", Py_TYPE(course)->tp_name);
        return -1;
    }
    *flow = (Flow){.call = (CallObject *)Py_NewRef(call), .course = (Course *)Py_NewRef(course)};
    return 0;
}

int flow_traverse(Flow *flow, visitproc visit, void *arg) {
    Py_VISIT(flow->call);
    Py_VISIT(flow->course);
    Py_VISIT(flow->candidates);
    Py_VISIT(flow->passage.gates);
    Py_VISIT(flow->passage.call);
    Py_VISIT(flow->attempt.gates);
    Py_VISIT(flow->attempt.call);
    return 0;
}

void flow_clear(Flow *flow) {
    Py_CLEAR(flow->call);
    Py_CLEAR(flow->course);
    Py_CLEAR(flow->candidates);
    Py_CLEAR(flow->passage.gates);
    Py_CLEAR(flow->passage.call);
    Py_CLEAR(flow->attempt.gates);
    Py_CLEAR(flow->attempt.call);
}

/* --- set-up --- */

static PyObject *setup_flow(PyObject *module, PyObject *args) {
    PyObject *long_delay, *any_delay;
    if (!PyArg_ParseTuple(args, "OO:setup_flow", &long_delay, &any_delay)) {
        return NULL;
    }
    Py_XSETREF(too_long, Py_NewRef(long_delay));
    Py_XSETREF(no_wait, Py_NewRef(any_delay));
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"setup_flow", setup_flow, METH_VARARGS,
     "What makes the Failure of a delay past the deadline, and of one where nobody can wait."},
    {NULL},
};

int flow_module_init(PyObject *module) {
    return PyModule_AddFunctions(module, functions);
}
