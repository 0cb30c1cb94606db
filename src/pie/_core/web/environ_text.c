/* Values of an environ as texts. */
#include "web/environ_text.h"

#define MOST_DIGITS 18

ValueKind environ_value(PyObject *environ, PyObject *key, PyObject **value) {
    *value = Py_XNewRef(PyDict_GetItemWithError(environ, key));
    if (*value == NULL) {
        return UNLIKELY(PyErr_Occurred()) ? VALUE_ERROR : VALUE_ABSENT;
    }
    return PyUnicode_CheckExact(*value) ? VALUE_TEXT : VALUE_ODD;
}

ValueKind environ_text(PyObject *environ, PyObject *key, PyObject **text) {
    ValueKind kind = environ_value(environ, key, text);
    if (UNLIKELY(kind == VALUE_ODD)) {
        Py_CLEAR(*text);
    }
    return kind;
}

long long ascii_number(const char *digits, Py_ssize_t size) {
    long long number = 0;
    if (size < 1 || size > MOST_DIGITS) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < size; i++) {
        if (digits[i] < '0' || digits[i] > '9') {
            return -1;
        }
        number = number * 10 + (digits[i] - '0');
    }
    return number;
}
