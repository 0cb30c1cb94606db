/* Scalars to bytes, inlined into struct_write.c with the protocol a constant. */
#ifndef PIE_SCALAR_WRITE_H
#define PIE_SCALAR_WRITE_H

#include "codec/scalar.h"
#include "codec/uuid.h"
#include "codec/wide_text.h"
#include "codec/write.h"

ALWAYS_INLINE int int_write(Buffer *out, Kind kind, PyObject *value, Protocol protocol) {
    int64_t number;
    if (UNLIKELY(scalar_int(kind, value, &number) < 0)) {
        return -1;
    }
    uint8_t *at = write_room(out, LONGEST_VARINT);
    if (UNLIKELY(at == NULL)) {
        return -1;
    }
    write_to(out, put_int(at, kind, number, protocol));
    return 0;
}

ALWAYS_INLINE int double_write(Buffer *out, PyObject *value, Protocol protocol) {
    double number;
    if (UNLIKELY(scalar_double(value, &number) < 0)) {
        return -1;
    }
    uint8_t *at = write_room(out, sizeof number);
    if (UNLIKELY(at == NULL)) {
        return -1;
    }
    write_to(out, put_double(at, number, protocol));
    return 0;
}

/* A bool that is an element. A field's is written here in the binary protocol only. */
ALWAYS_INLINE int bool_write(Buffer *out, PyObject *value, Protocol protocol) {
    int is = scalar_bool(value);
    uint8_t *at = is >= 0 ? write_room(out, 1) : NULL;
    if (UNLIKELY(at == NULL)) {
        return -1;
    }
    *at = (uint8_t)(protocol == PROTOCOL_BINARY ? is : 2 - is);
    out->size++;
    return 0;
}

ALWAYS_INLINE int text_write(Buffer *out, PyObject *value, Protocol protocol) {
    if (UNLIKELY(!scalar_is_ascii(value))) {
        return wide_text_write(out, value, protocol);
    }
    Py_ssize_t size = PyUnicode_GET_LENGTH(value);
    uint8_t *at =
        scalar_check_size(size) == 0 ? write_room(out, LONGEST_VARINT + (size_t)size) : NULL;
    if (UNLIKELY(at == NULL)) {
        return -1;
    }
    at = put_size(at, size, protocol);
    memcpy(at, PyUnicode_DATA(value), (size_t)size);
    write_to(out, at + size);
    return 0;
}

ALWAYS_INLINE int bytes_write(Buffer *out, PyObject *value, Protocol protocol) {
    Py_ssize_t size;
    const char *bytes = scalar_bytes(value, &size);
    uint8_t *at = bytes != NULL ? write_room(out, LONGEST_VARINT + (size_t)size) : NULL;
    if (UNLIKELY(at == NULL)) {
        return -1;
    }
    at = put_size(at, size, protocol);
    memcpy(at, bytes, (size_t)size);
    write_to(out, at + size);
    return 0;
}

static inline int uuid_write(Buffer *out, PyObject *value) {
    uint8_t bytes[UUID_SIZE];
    if (uuid_to_bytes(bytes, value) < 0) {
        return -1;
    }
    if (buffer_add(out, bytes, sizeof bytes) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

#endif
