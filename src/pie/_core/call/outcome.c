/* How a Call went, and the Call being served here and now.
 * Twins: pie/model/call.py (succeed, business, fail), pie/model/context.py.
 */
#include "call/outcome.h"

#include "base/errors.h"

static PyObject *failure_class, *kind_class, *failure_of_function, *current_call_variable;
static struct {
    PyObject *kind, *code, *message, *raised_by, *rule;
} names; /* of the parts of a failure */

void outcome_setup(PyObject *failure, PyObject *kind, PyObject *failure_of) {
    Py_XSETREF(failure_class, Py_NewRef(failure));
    Py_XSETREF(kind_class, Py_NewRef(kind));
    Py_XSETREF(failure_of_function, Py_NewRef(failure_of));
}

void context_setup(PyObject *variable) {
    Py_XSETREF(current_call_variable, Py_NewRef(variable));
}

void call_succeed(CallObject *call, PyObject *result) {
    PyObject *failure = call->failure, *before = call->result;
    call->failure = NULL;
    if (UNLIKELY(failure != NULL)) {
        call->code = 0;
        call_set(&call->message, PyUnicode_New(0, 0)); /* The empty text, which is always there. */
    }
    if (result == Py_None) {
        Py_CLEAR(result);
    }
    call->result = result;
    Py_XDECREF(failure);
    Py_XDECREF(before);
}

int call_business(CallObject *call, long code, PyObject *message) {
    call->code = code;
    return PyObject_SetAttrString((PyObject *)call, "message", message);
}

/* An attribute of a failure, if it is of the type; new reference, or NULL without an exception. */
static PyObject *part(PyObject *failure, PyObject *name, PyTypeObject *type) {
    PyObject *value = PyObject_GetAttr(failure, name);
    if (UNLIKELY(value == NULL)) {
        PyErr_Clear();
    } else if (UNLIKELY(!Py_IS_TYPE(value, type))) {
        Py_CLEAR(value);
    }
    return value;
}

static bool has_part(PyObject *failure, PyObject *name, PyTypeObject *type) {
    PyObject *value = part(failure, name, type);
    Py_XDECREF(value);
    return value != NULL;
}

/* Takes code and message of a failure into the call, if all its parts are of their types; else -1
 * without an exception. Twin: is_sound of pie/model/failure.py. */
static int take_parts(CallObject *call, PyObject *failure) {
    if (!has_part(failure, names.kind, (PyTypeObject *)kind_class) ||
        !has_part(failure, names.raised_by, &PyUnicode_Type) ||
        !has_part(failure, names.rule, &PyUnicode_Type)) {
        return -1;
    }
    PyObject *code = part(failure, names.code, &PyLong_Type);
    PyObject *message = part(failure, names.message, &PyUnicode_Type);
    int overflow = 1;
    long number = code == NULL ? 0 : PyLong_AsLongAndOverflow(code, &overflow);
    Py_XDECREF(code);
    if (overflow != 0 || message == NULL) {
        Py_XDECREF(message);
        return -1;
    }
    call->code = number;
    call_set(&call->message, message);
    return 0;
}

static void set_failure(CallObject *call, PyObject *failure) {
    PyObject *before = call->failure;
    call->failure = Py_NewRef(failure);
    Py_XDECREF(before);
}

PyObject *call_fail_with(CallObject *call, PyObject *error) {
    if (PyObject_TypeCheck(error, (PyTypeObject *)failure_class) && take_parts(call, error) == 0) {
        set_failure(call, error);
        return Py_NewRef(error);
    }
    PyObject *failure = PyObject_CallFunctionObjArgs(failure_of_function, error, call->side, NULL);
    if (failure == NULL) {
        return NULL;
    }
    if (!PyObject_TypeCheck(failure, (PyTypeObject *)failure_class) ||
        take_parts(call, failure) < 0) {
        PyErr_Format(PyExc_TypeError, "failure_of made %.100s, which is no failure",
                     Py_TYPE(failure)->tp_name);
        Py_DECREF(failure);
        return NULL;
    }
    set_failure(call, failure);
    return failure;
}

int outcome_init(void) {
    names.kind = PyUnicode_InternFromString("kind");
    names.code = PyUnicode_InternFromString("code");
    names.message = PyUnicode_InternFromString("message");
    names.raised_by = PyUnicode_InternFromString("raised_by");
    names.rule = PyUnicode_InternFromString("rule");
    return names.kind && names.code && names.message && names.raised_by && names.rule ? 0 : -1;
}

PyObject *current_call_set(CallObject *call) {
    return PyContextVar_Set(current_call_variable, (PyObject *)call);
}

int current_call_reset(PyObject *token) {
    int done = PyContextVar_Reset(current_call_variable, token);
    Py_DECREF(token);
    return done;
}

CallObject *current_call_get(void) {
    PyObject *call;
    if (PyContextVar_Get(current_call_variable, NULL, &call) < 0 || call == NULL) {
        return NULL;
    }
    if (UNLIKELY(call != Py_None && !call_is(call))) {
        PyErr_Format(PyExc_TypeError, "current_call must be a Call or None, not %.100s",
                     Py_TYPE(call)->tp_name);
    }
    if (call == Py_None || UNLIKELY(!call_is(call))) {
        Py_DECREF(call);
        return NULL;
    }
    return (CallObject *)call;
}
