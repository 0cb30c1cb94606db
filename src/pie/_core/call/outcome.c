/* How a Call went, and the Call being served here and now.
 * Twins: pie/model/call.py (succeed, business, fail), pie/model/context.py.
 */
#include "call/outcome.h"

#include "base/errors.h"

static PyObject *failure_class, *kind_class, *failure_of_function, *current_call_variable;

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

static bool has_part(PyObject *failure, const char *name, PyTypeObject *type) {
    PyObject *value = PyObject_GetAttrString(failure, name);
    bool right = value != NULL && Py_IS_TYPE(value, type);
    if (right && type == &PyLong_Type) {
        int overflow;
        PyLong_AsLongAndOverflow(value, &overflow);
        right = overflow == 0;
    }
    Py_XDECREF(value);
    PyErr_Clear();
    return right;
}

/* Whether its parts are of their types. Twin: is_sound of pie/model/failure.py. */
static bool is_sound(PyObject *failure) {
    return has_part(failure, "kind", (PyTypeObject *)kind_class) &&
           has_part(failure, "message", &PyUnicode_Type) &&
           has_part(failure, "code", &PyLong_Type) &&
           has_part(failure, "raised_by", &PyUnicode_Type) &&
           has_part(failure, "rule", &PyUnicode_Type);
}

static PyObject *failure_of(PyObject *error) {
    if (PyObject_TypeCheck(error, (PyTypeObject *)failure_class) && is_sound(error)) {
        return Py_NewRef(error);
    }
    return PyObject_CallOneArg(failure_of_function, error);
}

static int set_from(CallObject *call, PyObject *failure, const char *name) {
    PyObject *value = PyObject_GetAttrString(failure, name);
    if (value == NULL) {
        return -1;
    }
    int done = PyObject_SetAttrString((PyObject *)call, name, value);
    Py_DECREF(value);
    return done;
}

PyObject *call_fail_with(CallObject *call, PyObject *error) {
    PyObject *failure = failure_of(error);
    if (failure == NULL) {
        return NULL;
    }
    PyObject *before = call->failure;
    call->failure = Py_NewRef(failure);
    Py_XDECREF(before);
    if (set_from(call, failure, "code") < 0 || set_from(call, failure, "message") < 0) {
        Py_DECREF(failure);
        return NULL;
    }
    return failure;
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
