/* Text and numbers as bytes of rows and lines. */
#include "base/text.h"

/* The longest that a code point becomes: a surrogate in JSON, its backslash escaped. */
#define LONGEST 7

static const char hex[] = "0123456789abcdef";

/* What JSON writes for an ASCII character: 0 = itself, 'u' = \u00XX, else a backslash and this. */
static const char json_escapes[128] = {
    'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'b', 't', 'n', 'u', 'f', 'r', 'u', 'u',
    'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u',
    ['"'] = '"', ['\\'] = '\\',
};
static const char line_escapes[128] = {['\\'] = '\\', ['\n'] = 'n', ['\r'] = 'r'};
static const char no_escapes[128];

static uint8_t *put_hex(uint8_t *to, unsigned number) {
    *to++ = 'u';
    for (int shift = 12; shift >= 0; shift -= 4) {
        *to++ = hex[number >> shift & 15];
    }
    return to;
}

/* A code point from 128 up. */
static uint8_t *put_wide(uint8_t *to, Py_UCS4 point, bool json) {
    if (point < 0x800) {
        *to++ = 0xC0 | point >> 6;
    } else if (Py_UNICODE_IS_SURROGATE(point)) {
        *to++ = '\\';
        if (json) {
            *to++ = '\\';
        }
        return put_hex(to, point);
    } else {
        if (point < 0x10000) {
            *to++ = 0xE0 | point >> 12;
        } else {
            *to++ = 0xF0 | point >> 18;
            *to++ = 0x80 | (point >> 12 & 0x3F);
        }
        *to++ = 0x80 | (point >> 6 & 0x3F);
    }
    *to++ = 0x80 | (point & 0x3F);
    return to;
}

static uint8_t *put_escaped(uint8_t *to, Py_UCS4 point, char escape) {
    *to++ = '\\';
    if (escape == 'u') {
        return put_hex(to, point);
    }
    *to++ = escape;
    return to;
}

#define EACH(byte) ((uint64_t)(byte) * 0x0101010101010101)

/* Whether none of eight ASCII characters is escaped: control characters, quotes, backslashes. */
static bool all_plain(uint64_t eight) {
    uint64_t quotes = eight ^ EACH('"'), backslashes = eight ^ EACH('\\');
    uint64_t found = (eight - EACH(' ')) | (quotes - EACH(1)) | (backslashes - EACH(1));
    return (found & EACH(0x80)) == 0;
}

static uint8_t *put_ascii(uint8_t *to, const uint8_t *from, Py_ssize_t size, const char *escapes) {
    Py_ssize_t i = 0;
    for (uint64_t eight; i + 8 <= size; i += 8, to += 8) {
        memcpy(&eight, from + i, 8);
        if (!all_plain(eight)) {
            break;
        }
        memcpy(to, &eight, 8);
    }
    for (; i < size; i++) {
        char escape = escapes[from[i]];
        if (LIKELY(escape == 0)) {
            *to++ = from[i];
        } else {
            to = put_escaped(to, from[i], escape);
        }
    }
    return to;
}

/* `limit` bounds what is written, in code points. */
ALWAYS_INLINE int add(Buffer *out, PyObject *text, Py_ssize_t limit, const char *escapes) {
    bool json = escapes == json_escapes;
    Py_ssize_t size = PyUnicode_GET_LENGTH(text);
    size = size < limit ? size : limit;
    uint8_t *to = buffer_room(out, (size_t)size * LONGEST + 2);
    if (to == NULL) {
        return -1;
    }
    if (json) {
        *to++ = '"';
    }
    if (LIKELY(PyUnicode_IS_ASCII(text))) {
        const uint8_t *from = PyUnicode_1BYTE_DATA(text);
        if (escapes == no_escapes) {
            memcpy(to, from, size);
            to += size;
        } else {
            to = put_ascii(to, from, size, escapes);
        }
    } else {
        int kind = PyUnicode_KIND(text);
        const void *data = PyUnicode_DATA(text);
        Py_ssize_t left = limit;
        for (Py_ssize_t i = 0; i < size && left > 0; i++) {
            Py_UCS4 point = PyUnicode_READ(kind, data, i);
            left -= json && Py_UNICODE_IS_SURROGATE(point) ? 6 : 1;
            if (point >= 128) {
                to = put_wide(to, point, json);
            } else if (escapes[point]) {
                to = put_escaped(to, point, escapes[point]);
            } else {
                *to++ = point;
            }
        }
        to += left < 0 ? left : 0; /* The end of an escape that does not fit: a byte each. */
    }
    if (json) {
        *to++ = '"';
    }
    out->size = to - out->data;
    return 0;
}

int text_add(Buffer *out, PyObject *text) {
    return add(out, text, PY_SSIZE_T_MAX, no_escapes);
}

int text_add_escaped(Buffer *out, PyObject *text) {
    return add(out, text, PY_SSIZE_T_MAX, line_escapes);
}

int text_add_json(Buffer *out, PyObject *text, Py_ssize_t limit) {
    return add(out, text, limit, json_escapes);
}

int number_add(Buffer *out, int64_t number) {
    if (number >= 0 && number < 10) {
        char digit = (char)('0' + number);
        return buffer_add(out, &digit, 1);
    }
    char digits[20];
    char *at = digits + sizeof digits;
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    do {
        *--at = '0' + rest % 10;
        rest /= 10;
    } while (rest);
    if (number < 0) {
        *--at = '-';
    }
    return buffer_add(out, at, digits + sizeof digits - at);
}
