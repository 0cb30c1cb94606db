/* CodecError, raised from C. */
#include "codec/error.h"

#include <stdarg.h>

#include "base/errors.h"
#include "base/late.h"

static PyObject *error_class, *shown_function;

int codec_error_prepare(void) {
    bool ready = late(&error_class, "pie.thrift.errors", "CodecError") != NULL
                 && late(&shown_function, "pie.thrift.errors", "shown") != NULL;
    return ready ? 0 : -1;
}

static void raise_text(PyObject *text) {
    if (text != NULL) {
        PyErr_SetObject(error_class, text);
        Py_DECREF(text);
    }
}

void codec_error(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    raise_text(PyUnicode_FromFormatV(format, arguments));
    va_end(arguments);
}

PyObject *codec_shown(PyObject *value) {
    return PyObject_CallOneArg(shown_function, value);
}

void codec_error_value(const char *format, PyObject *value) {
    Py_INCREF(value);
    PyObject *text = codec_shown(value);
    Py_DECREF(value);
    if (text != NULL) {
        codec_error(format, text);
        Py_DECREF(text);
    }
}

/* The CodecError that is set, taken away; NULL if something else is set, which stays. */
static PyObject *take_codec_error(void) {
    return PyErr_ExceptionMatches(error_class) ? error_take() : NULL;
}

/* Puts a step before the error's path, and sets the error again; takes over both references. */
static void put_under(PyObject *error, PyObject *step) {
    PyObject *path = step != NULL ? PyObject_GetAttrString(error, "path") : NULL;
    PyObject *whole = path != NULL ? PyUnicode_Concat(step, path) : NULL;
    if (whole != NULL && PyObject_SetAttrString(error, "path", whole) == 0) {
        error_give(error);
    } else {
        Py_DECREF(error);
    }
    Py_XDECREF(whole);
    Py_XDECREF(path);
    Py_XDECREF(step);
}

void codec_error_under(const char *format, ...) {
    PyObject *error = take_codec_error();
    if (error == NULL) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    put_under(error, PyUnicode_FromFormatV(format, arguments));
    va_end(arguments);
}

void codec_error_under_key(PyObject *key) {
    PyObject *error = take_codec_error();
    if (error == NULL) {
        return;
    }
    PyObject *text = codec_shown(key);
    PyObject *step = text != NULL ? PyUnicode_FromFormat("[%U]", text) : NULL;
    Py_XDECREF(text);
    put_under(error, step);
}
