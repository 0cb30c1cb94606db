/* Python's numbers and texts as C's, with the checks that every protocol makes.
 * Twin: the scalar writers of pie/thrift/codec/struct_write.py, the string reader of struct_read.py. */
#ifndef PIE_SCALAR_H
#define PIE_SCALAR_H

#include "codec/type.h"

#define MAX_SIZE INT32_MAX /* Bytes of a string, elements of a container. */

/* An int of many digits: as scalar_int. */
int scalar_int_slow(Kind kind, PyObject *value, int64_t *number);
int scalar_no_int(PyObject *value);
int scalar_out_of_range(Kind kind, PyObject *value);
int scalar_double_slow(PyObject *value, double *number);
int scalar_no_bool(PyObject *value);

/* The contents of a bytes or bytearray; NULL with CodecError set. */
const char *scalar_bytes(PyObject *value, Py_ssize_t *size);

/* A str of UTF-8; NULL with CodecError set. */
PyObject *scalar_text_slow(const uint8_t *utf8, Py_ssize_t size);

/* The member of the enum with this number, or the number; new reference. */
PyObject *scalar_enum_slow(const Type *type, int64_t number);

int scalar_too_large(Py_ssize_t size);

/* 0, or -1 with CodecError set. */
static inline int scalar_check_size(Py_ssize_t size) {
    return LIKELY(size <= MAX_SIZE) ? 0 : scalar_too_large(size);
}

/* Whether a number of this kind of int may be `number`. */
static inline bool scalar_fits(Kind kind, int64_t number) {
    switch (kind) {
    case KIND_I8:
        return number == (int8_t)number;
    case KIND_I16:
        return number == (int16_t)number;
    case KIND_I64:
        return true;
    default:
        return number == (int32_t)number;
    }
}

/* The value of an int field; -1 with CodecError set. */
static inline int scalar_int(Kind kind, PyObject *value, int64_t *number) {
    if (UNLIKELY(!PyLong_Check(value) || PyBool_Check(value))) {
        return scalar_no_int(value);
    }
#if PY_VERSION_HEX >= 0x030C0000
    if (UNLIKELY(!PyUnstable_Long_IsCompact((PyLongObject *)value))) {
        return scalar_int_slow(kind, value, number);
    }
    *number = PyUnstable_Long_CompactValue((PyLongObject *)value);
#else
    Py_ssize_t digits = Py_SIZE(value);
    const digit *digit = ((PyLongObject *)value)->ob_digit;
    if (LIKELY(digits >= -1 && digits <= 1)) {
        *number = digits * (int64_t)digit[0];
    } else if (digits == 2) {
        *number = (int64_t)digit[1] << PyLong_SHIFT | digit[0];
    } else {
        return scalar_int_slow(kind, value, number);
    }
#endif
    return LIKELY(scalar_fits(kind, *number)) ? 0 : scalar_out_of_range(kind, value);
}

static inline int scalar_double(PyObject *value, double *number) {
    if (LIKELY(PyFloat_CheckExact(value))) {
        *number = PyFloat_AS_DOUBLE(value);
        return 0;
    }
    return scalar_double_slow(value, number);
}

/* 0 or 1; -1 with CodecError set. */
static inline int scalar_bool(PyObject *value) {
    if (value == Py_True) {
        return 1;
    }
    return LIKELY(value == Py_False) ? 0 : scalar_no_bool(value);
}

static inline bool scalar_is_ascii(PyObject *value) {
    return PyUnicode_Check(value) && PyUnicode_IS_COMPACT_ASCII(value);
}

static inline bool all_ascii(const uint8_t *bytes, Py_ssize_t size) {
    const uint64_t high = 0x8080808080808080u;
    uint64_t word;
    if (size < 8) {
        uint8_t seen = 0;
        for (Py_ssize_t i = 0; i < size; i++) {
            seen |= bytes[i];
        }
        return seen < 0x80;
    }
    uint64_t seen = 0;
    for (Py_ssize_t i = 0; i + 8 <= size; i += 8) {
        memcpy(&word, bytes + i, 8);
        seen |= word;
    }
    memcpy(&word, bytes + size - 8, 8);
    return ((seen | word) & high) == 0;
}

static inline PyObject *scalar_text(const uint8_t *utf8, Py_ssize_t size) {
    if (LIKELY(size > 1 && all_ascii(utf8, size))) { /* Python keeps those of one letter. */
        PyObject *text = PyUnicode_New(size, 127);
        if (LIKELY(text != NULL)) {
            memcpy(PyUnicode_DATA(text), utf8, (size_t)size);
        }
        return text;
    }
    return scalar_text_slow(utf8, size);
}

/* The same for a key of a map. Keys come again and again: short ones are kept with their hash. */
PyObject *scalar_key(const uint8_t *utf8, Py_ssize_t size);

static inline PyObject *scalar_enum(const Type *type, int64_t number) {
    uint64_t index = (uint64_t)(number - type->table_low);
    if (LIKELY(index < (uint64_t)type->table_size && type->table[index] != NULL)) {
        return Py_NewRef(type->table[index]);
    }
    return scalar_enum_slow(type, number);
}

#endif
