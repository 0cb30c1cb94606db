/* Python's numbers and texts as C's: the rare cases of scalar.h. */
#include "codec/scalar.h"

#include "codec/error.h"
#include "base/errors.h"

#define KEPT_KEYS 512
#define LONGEST_KEPT_KEY 32

static const char *const INT_NAMES[] = {
    [KIND_I8] = "i8", [KIND_I16] = "i16", [KIND_I32] = "i32", [KIND_I64] = "i64",
    [KIND_ENUM] = "i32",
};
static const int INT_BITS[] = {
    [KIND_I8] = 8, [KIND_I16] = 16, [KIND_I32] = 32, [KIND_I64] = 64, [KIND_ENUM] = 32,
};

int scalar_out_of_range(Kind kind, PyObject *value) {
    PyObject *number = PyNumber_Long(value); /* An enum's member is shown as its number. */
    PyObject *text = number != NULL ? codec_shown(number) : NULL;
    if (text != NULL) {
        long long high = (long long)(UINT64_MAX >> (65 - INT_BITS[kind]));
        codec_error("%U is out of the range of %s (%lld..%lld)", text, INT_NAMES[kind], -high - 1,
                    high);
    }
    Py_XDECREF(text);
    Py_XDECREF(number);
    return -1;
}

int scalar_no_int(PyObject *value) {
    codec_error_value("expected int, got %U", value);
    return -1;
}

int scalar_int_slow(Kind kind, PyObject *value, int64_t *number) {
    int overflow;
    *number = PyLong_AsLongLongAndOverflow(value, &overflow);
    return overflow || !scalar_fits(kind, *number) ? scalar_out_of_range(kind, value) : 0;
}

int scalar_double_slow(PyObject *value, double *number) {
    if (PyFloat_Check(value)) {
        *number = PyFloat_AS_DOUBLE(value);
        return 0;
    }
    if (!PyLong_Check(value) || PyBool_Check(value)) {
        codec_error_value("expected float, got %U", value);
        return -1;
    }
    *number = PyLong_AsDouble(value);
    if (*number == -1.0 && PyErr_Occurred()) {
        PyErr_Clear();
        codec_error_value("%U is out of the range of double", value);
        return -1;
    }
    return 0;
}

int scalar_no_bool(PyObject *value) {
    codec_error_value("expected bool, got %U", value);
    return -1;
}

int scalar_too_large(Py_ssize_t size) {
    codec_error("%zd bytes or elements do not fit a 32-bit size", size);
    return -1;
}

const char *scalar_bytes(PyObject *value, Py_ssize_t *size) {
    if (LIKELY(PyBytes_Check(value))) {
        *size = PyBytes_GET_SIZE(value);
        return scalar_check_size(*size) == 0 ? PyBytes_AS_STRING(value) : NULL;
    }
    if (PyByteArray_Check(value)) {
        *size = PyByteArray_GET_SIZE(value);
        return scalar_check_size(*size) == 0 ? PyByteArray_AS_STRING(value) : NULL;
    }
    codec_error_value("expected bytes, got %U", value);
    return NULL;
}

PyObject *scalar_text_slow(const uint8_t *utf8, Py_ssize_t size) {
    PyObject *text = PyUnicode_DecodeUTF8((const char *)utf8, size, NULL);
    if (LIKELY(text != NULL) || !PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) {
        return text;
    }
    PyObject *error = error_take();
    PyObject *reason = PyUnicodeDecodeError_GetReason(error);
    Py_ssize_t start;
    if (reason != NULL && PyUnicodeDecodeError_GetStart(error, &start) == 0) {
        codec_error("is not UTF-8: %U at byte %zd", reason, start);
    }
    Py_XDECREF(reason);
    Py_DECREF(error);
    return NULL;
}

PyObject *scalar_key(const uint8_t *utf8, Py_ssize_t size) {
    static PyObject *kept[KEPT_KEYS];
    if (size < 2 || size > LONGEST_KEPT_KEY) {
        return scalar_text(utf8, size);
    }
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (Py_ssize_t i = 0; i < size; i++) {
        hash = (hash ^ utf8[i]) * 16777619u;
    }
    PyObject **slot = &kept[(hash ^ hash >> 16) % KEPT_KEYS];
    if (*slot != NULL && PyUnicode_GET_LENGTH(*slot) == size
        && memcmp(PyUnicode_DATA(*slot), utf8, (size_t)size) == 0) {
        return Py_NewRef(*slot);
    }
    PyObject *text = scalar_text(utf8, size);
    if (text != NULL && PyUnicode_IS_COMPACT_ASCII(text)) {
        Py_XSETREF(*slot, Py_NewRef(text));
    }
    return text;
}

PyObject *scalar_enum_slow(const Type *type, int64_t number) {
    PyObject *value = PyLong_FromLongLong(number);
    if (value == NULL) {
        return NULL;
    }
    PyObject *member = PyDict_GetItemWithError(type->members, value);
    if (member == NULL) {
        if (PyErr_Occurred()) {
            Py_CLEAR(value);
        }
        return value;
    }
    Py_DECREF(value);
    return Py_NewRef(member);
}
