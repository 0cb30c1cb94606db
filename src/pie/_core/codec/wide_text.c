/* Text beyond ASCII as a string on the wire: UTF-8, made directly of Python's representation.
 * Twin: the string writer of pie/thrift/codec/struct_write.py. */
#include "codec/wide_text.h"

#include "codec/error.h"
#include "codec/scalar.h"
#include "codec/write.h"

#define ONE_PASS 4096 /* Bytes: for longer text no more is reserved than it takes. */

/* Bytes of the letters, each of which takes `kind` bytes here, a constant. */
ALWAYS_INLINE Py_ssize_t letters_size(PyObject *text, int kind) {
    const void *data = PyUnicode_DATA(text);
    Py_ssize_t length = PyUnicode_GET_LENGTH(text), size = length;
    for (Py_ssize_t i = 0; i < length; i++) {
        Py_UCS4 letter = PyUnicode_READ(kind, data, i);
        size += (letter >= 0x80) + (letter >= 0x800) + (letter >= 0x10000);
    }
    return size;
}

/* The end of what was written; NULL for a lone surrogate. */
ALWAYS_INLINE uint8_t *letters_write(uint8_t *out, PyObject *text, int kind) {
    const void *data = PyUnicode_DATA(text);
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    for (Py_ssize_t i = 0; i < length; i++) {
        Py_UCS4 letter = PyUnicode_READ(kind, data, i);
        if (letter < 0x80) {
            *out++ = (uint8_t)letter;
        } else if (letter < 0x800) {
            out[0] = (uint8_t)(0xC0 | letter >> 6);
            out[1] = (uint8_t)(0x80 | (letter & 0x3F));
            out += 2;
        } else if (kind == 2 || letter < 0x10000) {
            if (UNLIKELY(letter - 0xD800 < 0x800)) {
                return NULL;
            }
            out[0] = (uint8_t)(0xE0 | letter >> 12);
            out[1] = (uint8_t)(0x80 | (letter >> 6 & 0x3F));
            out[2] = (uint8_t)(0x80 | (letter & 0x3F));
            out += 3;
        } else {
            out[0] = (uint8_t)(0xF0 | letter >> 18);
            out[1] = (uint8_t)(0x80 | (letter >> 12 & 0x3F));
            out[2] = (uint8_t)(0x80 | (letter >> 6 & 0x3F));
            out[3] = (uint8_t)(0x80 | (letter & 0x3F));
            out += 4;
        }
    }
    return out;
}

static Py_ssize_t text_size(PyObject *text) {
    int kind = PyUnicode_KIND(text);
    return kind == 1   ? letters_size(text, 1)
           : kind == 2 ? letters_size(text, 2)
                       : letters_size(text, 4);
}

static uint8_t *text_write(uint8_t *out, PyObject *text) {
    int kind = PyUnicode_KIND(text);
    return kind == 1   ? letters_write(out, text, 1)
           : kind == 2 ? letters_write(out, text, 2)
                       : letters_write(out, text, 4);
}

/* An upper bound of the text's bytes; -1 if that is large. */
static Py_ssize_t few_bytes(PyObject *text) {
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    int each = PyUnicode_KIND(text) == 4 ? 4 : (int)PyUnicode_KIND(text) + 1;
    return length <= ONE_PASS / 4 ? length * each : -1;
}

static int not_valid(PyObject *text) {
    codec_error_value("%U is not valid Unicode text (lone surrogate)", text);
    return -1;
}

/* One pass over the letters, where the length of the size is known before. */
static int write_once(Buffer *out, PyObject *text, Py_ssize_t most, Protocol protocol) {
    uint8_t *at = write_room(out, (size_t)most + 4);
    if (UNLIKELY(at == NULL)) {
        return -1;
    }
    uint8_t *begin = at + (protocol == PROTOCOL_BINARY ? 4 : 1), *end = text_write(begin, text);
    if (UNLIKELY(end == NULL)) {
        return not_valid(text);
    }
    put_size(at, end - begin, protocol);
    write_to(out, end);
    return 0;
}

int wide_text_write(Buffer *out, PyObject *value, Protocol protocol) {
    if (!PyUnicode_Check(value)) {
        codec_error_value("expected str, got %U", value);
        return -1;
    }
#if PY_VERSION_HEX < 0x030C0000
    if (PyUnicode_READY(value) < 0) {
        return -1;
    }
#endif
    Py_ssize_t most = few_bytes(value);
    if (LIKELY(most >= 0 && (protocol == PROTOCOL_BINARY || most < 0x80))) {
        return write_once(out, value, most, protocol);
    }
    Py_ssize_t size = text_size(value);
    uint8_t *at =
        scalar_check_size(size) == 0 ? write_room(out, LONGEST_VARINT + (size_t)size) : NULL;
    if (UNLIKELY(at == NULL)) {
        return -1;
    }
    uint8_t *end = text_write(put_size(at, size, protocol), value);
    if (UNLIKELY(end == NULL)) {
        return not_valid(value);
    }
    write_to(out, end);
    return 0;
}
