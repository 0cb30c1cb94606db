/* Numbers, sizes and heads, read within bounds. Twins: pie/thrift/codec/{source,compact}.py,
 * {binary,compact}_read.py. The protocol is a constant wherever these are used, so the compiler leaves
 * one branch of each. */
#ifndef PIE_READ_H
#define PIE_READ_H

#include "codec/source.h"
#include "codec/type.h"

#define MAX_VARINT_BYTES 10
#define COMPACT_TRUE 1
#define COMPACT_FALSE 2

/* A varint has up to 70 bits. The type is GCC's, and clang's. */
__extension__ typedef unsigned __int128 Varint;

/* Sets the CodecError of a source that ends too early; -1. */
int read_end(void);
/* Sets the CodecError of a head that names more than there is; -1. */
int read_too_many_bytes(Varint size, bool negative, size_t left);
int read_too_many_elements(Varint count, bool negative, size_t left);
int read_wrong_elements(const Type *type, int key, int element, Protocol protocol);
int read_too_wide(int bits);
int read_too_large_id(int id);
int read_no_code(int id);
int read_no_bool(int code);
int read_out_of_memory(const Source *source);
int read_too_deep(void);

/* A varint of more than one byte. 0, or -1 with CodecError set. */
int read_long_varint(Source *source, Varint *number);

static inline size_t read_left(const Source *source) {
    return (size_t)(source->end - source->at);
}

static inline int read_spend(Source *source, Py_ssize_t memory) {
    source->memory += memory;
    return LIKELY(source->memory <= source->memory_limit) ? 0 : read_out_of_memory(source);
}

static inline int read_varint(Source *source, Varint *number) {
    if (LIKELY(source->at < source->end && *source->at < 0x80)) {
        *number = *source->at++;
        return 0;
    }
    return read_long_varint(source, number);
}

static inline int read_zigzag(Source *source, int bits, int64_t *number) {
    Varint wide = 0;
    if (UNLIKELY(read_varint(source, &wide) < 0)) {
        return -1;
    }
    if (UNLIKELY(wide >> bits)) {
        return read_too_wide(bits);
    }
    uint64_t folded = (uint64_t)wide;
    *number = (int64_t)(folded >> 1 ^ (0 - (folded & 1)));
    return 0;
}

/* 0 with the number, or -1 with CodecError set; `bits` is a constant. */
ALWAYS_INLINE int read_int(Source *source, int bits, int64_t *number, Protocol protocol) {
    if (protocol == PROTOCOL_COMPACT && bits > 8) {
        return read_zigzag(source, bits, number);
    }
    size_t size = (size_t)bits / 8;
    if (UNLIKELY(read_left(source) < size)) {
        return read_end();
    }
    const uint8_t *at = source->at;
    switch (bits) {
    case 8:
        *number = (int8_t)*at;
        break;
    case 16:
        *number = (int16_t)load_u16(at);
        break;
    case 32:
        *number = (int32_t)load_u32(at);
        break;
    default:
        *number = (int64_t)load_u64(at);
    }
    source->at += size;
    return 0;
}

ALWAYS_INLINE int read_double(Source *source, double *number, Protocol protocol) {
    if (UNLIKELY(read_left(source) < sizeof *number)) {
        return read_end();
    }
    uint64_t bits = load_u64(source->at);
    if (protocol == PROTOCOL_COMPACT) {
        bits = __builtin_bswap64(bits);
    }
    memcpy(number, &bits, sizeof bits);
    source->at += sizeof bits;
    return 0;
}

/* The size of a string, held against the bytes that are left; -1 with CodecError set. */
ALWAYS_INLINE Py_ssize_t read_size(Source *source, Protocol protocol) {
    if (protocol == PROTOCOL_COMPACT) {
        Varint size = 0;
        if (UNLIKELY(read_varint(source, &size) < 0)) {
            return -1;
        }
        if (UNLIKELY(size > read_left(source))) {
            return read_too_many_bytes(size, false, read_left(source));
        }
        return (Py_ssize_t)size;
    }
    if (UNLIKELY(read_left(source) < 4)) {
        return read_end();
    }
    int32_t size = (int32_t)load_u32(source->at);
    source->at += 4;
    if (UNLIKELY(size < 0 || (size_t)size > read_left(source))) {
        Varint magnitude = (Varint)(size < 0 ? -(int64_t)size : size);
        return read_too_many_bytes(magnitude, size < 0, read_left(source));
    }
    return size;
}

/* The number of elements, held against the bytes that are left at `least` each. */
ALWAYS_INLINE Py_ssize_t read_bounded(Source *source, Varint count, bool negative, int least) {
    size_t left = read_left(source);
    if (UNLIKELY(negative || count > left || count * (Varint)least > left)) {
        return read_too_many_elements(count, negative, left);
    }
    return (Py_ssize_t)count;
}

/* Both codes of a bool stand for it before the elements of a container. */
static inline int element_code(int code) {
    return code == COMPACT_FALSE ? COMPACT_TRUE : code;
}

/* The head of a list or set: its number of elements, checked; -1 with CodecError set. */
ALWAYS_INLINE Py_ssize_t read_list_head(Source *source, const Type *type, Protocol protocol) {
    int code;
    Varint count = 0;
    bool negative = false;
    if (protocol == PROTOCOL_BINARY) {
        if (UNLIKELY(read_left(source) < 5)) {
            return read_end();
        }
        code = source->at[0];
        int32_t declared = (int32_t)load_u32(source->at + 1);
        negative = declared < 0;
        count = (Varint)(negative ? -(int64_t)declared : declared);
        source->at += 5;
    } else {
        if (UNLIKELY(source->at >= source->end)) {
            return read_end();
        }
        int head = *source->at++;
        code = element_code(head & NIBBLE);
        count = (Varint)(head >> 4);
        if (count == NIBBLE && UNLIKELY(read_varint(source, &count) < 0)) {
            return -1;
        }
    }
    Py_ssize_t found = read_bounded(source, count, negative, type->element->least[protocol]);
    if (UNLIKELY(found > 0 && code != type->element->code[protocol])) {
        return read_wrong_elements(type, -1, code, protocol);
    }
    return found;
}

/* The head of a map: its number of entries, checked; -1 with CodecError set. */
ALWAYS_INLINE Py_ssize_t read_map_head(Source *source, const Type *type, Protocol protocol) {
    int key = 0, code = 0;
    Varint count = 0;
    bool negative = false;
    if (protocol == PROTOCOL_BINARY) {
        if (UNLIKELY(read_left(source) < 6)) {
            return read_end();
        }
        key = source->at[0];
        code = source->at[1];
        int32_t declared = (int32_t)load_u32(source->at + 2);
        negative = declared < 0;
        count = (Varint)(negative ? -(int64_t)declared : declared);
        source->at += 6;
    } else {
        if (UNLIKELY(read_varint(source, &count) < 0)) {
            return -1;
        }
        if (count != 0) {
            if (UNLIKELY(source->at >= source->end)) {
                return read_end();
            }
            key = element_code(*source->at >> 4);
            code = element_code(*source->at++ & NIBBLE);
        }
    }
    int least = type->key->least[protocol] + type->element->least[protocol];
    Py_ssize_t found = read_bounded(source, count, negative, least);
    if (UNLIKELY(found > 0 && (key != type->key->code[protocol]
                               || code != type->element->code[protocol]))) {
        return read_wrong_elements(type, key, code, protocol);
    }
    return found;
}

/* A field's code, and its id over that of the field before; 0 at the struct's end, -1 with
 * CodecError set. */
ALWAYS_INLINE int read_field_head(Source *source, int *id, Protocol protocol) {
    if (UNLIKELY(source->at >= source->end)) {
        return read_end();
    }
    int head = *source->at;
    if (head == 0) {
        source->at++;
        return 0;
    }
    if (protocol == PROTOCOL_BINARY) {
        if (UNLIKELY(read_left(source) < 3)) {
            return read_end();
        }
        *id = (int16_t)load_u16(source->at + 1);
        source->at += 3;
        return head;
    }
    source->at++;
    int distance = head >> 4;
    if (LIKELY(distance != 0)) {
        *id += distance;
        if (UNLIKELY(*id > INT16_MAX)) {
            return read_too_large_id(*id);
        }
    } else {
        int64_t number = 0;
        if (UNLIKELY(read_zigzag(source, 16, &number) < 0)) {
            return -1;
        }
        *id = (int)number;
    }
    int code = head & NIBBLE;
    return LIKELY(code != 0) ? code : read_no_code(*id);
}

#endif
