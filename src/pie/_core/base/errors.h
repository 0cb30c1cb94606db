/* The exception that is set, taken away and put back: one form for all Pythons. */
#ifndef PIE_ERRORS_H
#define PIE_ERRORS_H

#include "base/core.h"

/* Takes the exception that is set, normalised and with its traceback: a new reference, or NULL. */
static inline PyObject *error_take(void) {
#if PY_VERSION_HEX >= 0x030C0000
    return PyErr_GetRaisedException();
#else
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    if (type == NULL) {
        return NULL;
    }
    PyErr_NormalizeException(&type, &error, &traceback);
    if (traceback != NULL) {
        PyException_SetTraceback(error, traceback);
        Py_DECREF(traceback);
    }
    Py_DECREF(type);
    return error;
#endif
}

/* Sets an exception, taking over the reference; nothing for NULL. */
static inline void error_give(PyObject *error) {
    if (error == NULL) {
        return;
    }
#if PY_VERSION_HEX >= 0x030C0000
    PyErr_SetRaisedException(error);
#else
    PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(error)), error, PyException_GetTraceback(error));
#endif
}

/* Raises an exception given as an object or a class, as `raise` does; a TypeError for anything else. */
static inline void error_raise(PyObject *error) {
    if (PyExceptionClass_Check(error)) {
        PyErr_SetNone(error);
    } else if (PyExceptionInstance_Check(error)) {
        error_give(Py_NewRef(error));
    } else {
        PyErr_Format(PyExc_TypeError, "an exception is needed, not %.100s",
                     Py_TYPE(error)->tp_name);
    }
}

#endif
