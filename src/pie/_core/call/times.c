/* The time-outs of calls by the rules in force. */
#include "call/times.h"

static const NamedField times_fields[] = {
    NAMED(Times, total, NUMBER),
    NAMED(Times, fallback, NUMBER),
    NAMED(Times, least, NUMBER),
    NAMED(Times, attempt, NUMBER),
    NAMED(Times, connect, NUMBER),
    NAMED(Times, reserve, NUMBER),
    NAMED_OR_NONE(Times, total_note, TEXT),
    NAMED_OR_NONE(Times, fallback_note, TEXT),
    NAMED_OR_NONE(Times, least_note, TEXT),
    NAMED_OR_NONE(Times, timeout_tally, OBJECT),
    NAMED_OR_NONE(Times, limits_tally, OBJECT),
    NAMED_END,
};
static NamedStruct times_struct = {"pie.govern.timeout.NativeTimes", times_fields};

double times_of(const Times *times, const CallObject *call, PyObject **note, PyObject **raised) {
    *note = *raised = NULL;
    if (!isnan(call->timeout)) {
        return call->timeout;
    }
    double timeout = times->fallback;
    if (!isnan(times->total)) {
        timeout = times->total;
        *note = times->total_note;
    } else if (!isnan(call->usual_timeout)) {
        timeout = call->usual_timeout;
    } else {
        *note = times->fallback_note;
    }
    if (timeout < times->least) {
        timeout = times->least;
        *raised = times->least_note;
    }
    return timeout;
}

int times_take(const Times *times, CallObject *call, PyObject *counted) {
    PyObject *note, *raised;
    call->timeout = times_of(times, call, &note, &raised);
    call->attempt_timeout = times->attempt;
    call->connect_timeout = times->connect;
    if ((note != NULL && ruled_note(call, note) < 0) ||
        (raised != NULL && ruled_note(call, raised) < 0)) {
        return -1;
    }
    if (times->timeout_tally != NULL && counts_add(times->timeout_tally, LIMITED, counted) < 0) {
        return -1;
    }
    Verdict verdict = raised != NULL ? LIMITED : ADMITTED;
    return times->limits_tally == NULL ? 0 : counts_add(times->limits_tally, verdict, counted);
}

/* --- the type --- */

static bool is_tally(Counts *tally) {
    return tally == NULL || PyObject_TypeCheck(tally, &Counts_Type);
}

static PyObject *answer_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"times", NULL};
    PyObject *times;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:Times", keywords, &times)) {
        return NULL;
    }
    TimesAnswer *self = (TimesAnswer *)type->tp_alloc(type, 0);
    if (self == NULL || named_read(&times_struct, times, &self->times) < 0) {
        Py_XDECREF(self);
        return NULL;
    }
    if (!is_tally(self->times.timeout_tally) || !is_tally(self->times.limits_tally)) {
        Py_DECREF(self);
        PyErr_SetString(PyExc_TypeError, "NativeTimes holds another type of tally");
        return NULL;
    }
    return (PyObject *)self;
}

static void answer_dealloc(TimesAnswer *self) {
    named_clear(&times_struct, &self->times);
    Py_TYPE(self)->tp_free(self);
}

PyTypeObject TimesAnswer_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pie._core._native.Times",
    .tp_doc = "The time-outs of the calls of a subject: of NativeTimes.",
    .tp_basicsize = sizeof(TimesAnswer),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = answer_new,
    .tp_dealloc = (destructor)answer_dealloc,
};

int times_init(PyObject *module) {
    return named_add(&times_struct) < 0 ? -1 : PyModule_AddType(module, &TimesAnswer_Type);
}
