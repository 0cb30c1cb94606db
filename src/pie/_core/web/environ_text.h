/* Values of an environ as texts. */
#ifndef PIE_WEB_ENVIRON_TEXT_H
#define PIE_WEB_ENVIRON_TEXT_H

#include "base/core.h"

/* ODD: neither absent nor an exact str, so that the twin reads the environ; ERROR: an exception is set. */
typedef enum { VALUE_ERROR = -1, VALUE_ABSENT, VALUE_TEXT, VALUE_ODD } ValueKind;

/* environ[key]: a new reference, or NULL where it is absent. */
ValueKind environ_value(PyObject *environ, PyObject *key, PyObject **value);

/* environ[key] where it is a str: a new reference; NULL otherwise. */
ValueKind environ_text(PyObject *environ, PyObject *key, PyObject **text);

/* Its bytes and their number, if it is ASCII; else NULL. */
static inline const char *ascii_of(PyObject *text, Py_ssize_t *size) {
    if (!PyUnicode_IS_COMPACT_ASCII(text)) {
        return NULL;
    }
    *size = PyUnicode_GET_LENGTH(text);
    return PyUnicode_DATA(text);
}

/* A decimal number of at most 18 ASCII digits; -1 for anything else. */
long long ascii_number(const char *digits, Py_ssize_t size);

#endif
