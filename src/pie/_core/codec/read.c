/* The rare ends of read.h: errors of damaged bytes. */
#include "codec/read.h"

#include "codec/error.h"

int read_end(void) {
    codec_error("the bytes end before the value does");
    return -1;
}

/* Decimal digits of a number of up to 128 bits, with its sign; returns where they begin. */
static const char *digits(char *end, Varint number, bool negative) {
    *--end = '\0';
    do {
        *--end = (char)('0' + (int)(number % 10));
        number /= 10;
    } while (number);
    if (negative) {
        *--end = '-';
    }
    return end;
}

static int too_many(Varint number, bool negative, const char *format, size_t left) {
    char text[48];
    codec_error(format, digits(text + sizeof text, number, negative), left);
    return -1;
}

int read_too_many_bytes(Varint size, bool negative, size_t left) {
    return too_many(size, negative, "declares %s bytes, %zu are left", left);
}

int read_too_many_elements(Varint count, bool negative, size_t left) {
    return too_many(count, negative, "declares %s elements, %zu bytes are left", left);
}

int read_wrong_elements(const Type *type, int key, int element, Protocol protocol) {
    static const char *const names[] = {
        [KIND_BOOL] = "bool",     [KIND_I8] = "i8",         [KIND_I16] = "i16",
        [KIND_I32] = "i32",       [KIND_I64] = "i64",       [KIND_ENUM] = "i32",
        [KIND_DOUBLE] = "double", [KIND_STRING] = "string", [KIND_BINARY] = "string",
        [KIND_UUID] = "uuid",     [KIND_STRUCT] = "struct", [KIND_LIST] = "list",
        [KIND_SET] = "set",       [KIND_MAP] = "map",
    };
    const char *expected = names[type->element->kind];
    if (key < 0) {
        codec_error("holds elements of type code (%d,), expected %s", element, expected);
    } else {
        codec_error("holds elements of type code (%d, %d), expected %s, %s", key, element,
                    names[type->key->kind], expected);
    }
    return -1;
}

int read_too_wide(int bits) {
    codec_error("holds a number that does not fit %d bits", bits);
    return -1;
}

int read_too_large_id(int id) {
    codec_error("a field with the id %d, the largest is %d", id, INT16_MAX);
    return -1;
}

int read_no_code(int id) {
    codec_error("field %d has type code 0, which does not exist", id);
    return -1;
}

int read_no_bool(int code) {
    codec_error("holds %d, which is no bool", code);
    return -1;
}

int read_out_of_memory(const Source *source) {
    codec_error("a message of %zd bytes whose values take more than %zd bytes of memory, the limit "
                "(decoded_limit): send less at once, or raise it",
                (Py_ssize_t)(source->end - source->begin), source->memory_limit);
    return -1;
}

int read_too_deep(void) {
    codec_error("nested too deep: does the value contain itself?");
    return -1;
}

int read_long_varint(Source *source, Varint *number) {
    Varint sum = 0;
    const uint8_t *at = source->at;
    for (int i = 0; i < MAX_VARINT_BYTES && at < source->end; i++, at++) {
        sum |= (Varint)(*at & 0x7F) << 7 * i;
        if (*at < 0x80) {
            source->at = at + 1;
            *number = sum;
            return 0;
        }
    }
    if (at - source->at < MAX_VARINT_BYTES) {
        return read_end();
    }
    codec_error("a varint of more than %d bytes", MAX_VARINT_BYTES);
    return -1;
}
