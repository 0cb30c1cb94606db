/* Room in the buffer; numbers, sizes and heads written in each protocol.
 * Twins: pie/thrift/codec/{binary,compact}_write.py. The protocol is a constant wherever these are used,
 * so the compiler leaves one branch of each. */
#ifndef PIE_WRITE_H
#define PIE_WRITE_H

#include "codec/program.h"

#define LONGEST_VARINT 10

/* Room in the buffer; NULL with MemoryError set. */
static inline uint8_t *write_room(Buffer *out, size_t size) {
    uint8_t *room = buffer_room(out, size);
    if (UNLIKELY(room == NULL)) {
        PyErr_NoMemory();
    }
    return room;
}

/* What stands between the end of the buffer and `end` was written. */
static inline void write_to(Buffer *out, const uint8_t *end) {
    out->size = (size_t)(end - out->data);
}

static inline uint8_t *put_varint(uint8_t *at, uint64_t number) {
    while (number >= 0x80) {
        *at++ = (uint8_t)(number | 0x80);
        number >>= 7;
    }
    *at++ = (uint8_t)number;
    return at;
}

static inline uint8_t *put_zigzag(uint8_t *at, int64_t number) {
    return put_varint(at, (uint64_t)number << 1 ^ (uint64_t)(number >> 63));
}

static inline uint8_t *put_u32(uint8_t *at, uint32_t number) {
    store_u32(at, number);
    return at + 4;
}

/* A number of at most LONGEST_VARINT bytes. */
ALWAYS_INLINE uint8_t *put_int(uint8_t *at, Kind kind, int64_t number, Protocol protocol) {
    if (kind == KIND_I8) {
        *at = (uint8_t)number;
        return at + 1;
    }
    if (protocol == PROTOCOL_COMPACT) {
        return put_zigzag(at, number);
    }
    if (kind == KIND_I64) {
        store_u64(at, (uint64_t)number);
        return at + 8;
    }
    if (kind == KIND_I16) {
        store_u16(at, (uint16_t)number);
        return at + 2;
    }
    return put_u32(at, (uint32_t)number);
}

ALWAYS_INLINE uint8_t *put_double(uint8_t *at, double number, Protocol protocol) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    if (protocol == PROTOCOL_COMPACT) { /* Little-endian, unlike everything else. */
        bits = __builtin_bswap64(bits);
    }
    store_u64(at, bits);
    return at + 8;
}

/* What stands before a string. */
ALWAYS_INLINE uint8_t *put_size(uint8_t *at, Py_ssize_t size, Protocol protocol) {
    return protocol == PROTOCOL_BINARY ? put_u32(at, (uint32_t)size)
                                       : put_varint(at, (uint64_t)size);
}

/* What stands before a list's or a set's elements. */
ALWAYS_INLINE uint8_t *put_list_head(uint8_t *at, const Type *element, Py_ssize_t count,
                                     Protocol protocol) {
    uint8_t code = element->code[protocol];
    if (protocol == PROTOCOL_BINARY) {
        *at = code;
        return put_u32(at + 1, (uint32_t)count);
    }
    if (count < NIBBLE) {
        *at = (uint8_t)(count << 4 | code);
        return at + 1;
    }
    *at = NIBBLE << 4 | code;
    return put_varint(at + 1, (uint64_t)count);
}

/* What stands before a map's entries. */
ALWAYS_INLINE uint8_t *put_map_head(uint8_t *at, const Type *map, Py_ssize_t count,
                                    Protocol protocol) {
    uint8_t key = map->key->code[protocol], value = map->element->code[protocol];
    if (protocol == PROTOCOL_BINARY) {
        at[0] = key;
        at[1] = value;
        return put_u32(at + 2, (uint32_t)count);
    }
    if (count == 0) {
        *at = 0;
        return at + 1;
    }
    at = put_varint(at, (uint64_t)count);
    *at = (uint8_t)(key << 4 | value);
    return at + 1;
}

/* What stands before a field. In the compact protocol a bool has its value there, and the id is
 * the distance from that of the field before, where that is short. */
ALWAYS_INLINE uint8_t *put_field_head(uint8_t *at, const Field *field, int last, bool is_false,
                                      Protocol protocol) {
    if (protocol == PROTOCOL_BINARY) {
        memcpy(at, field->head, sizeof field->head);
        return at + sizeof field->head;
    }
    uint8_t code = field->type->code[PROTOCOL_COMPACT];
    code += is_false && field->type->kind == KIND_BOOL; /* 1 is true, 2 is false. */
    int distance = field->id - last;
    if (LIKELY(distance >= 1 && distance <= NIBBLE)) {
        *at = (uint8_t)(distance << 4 | code);
        return at + 1;
    }
    *at = code;
    return put_zigzag(at + 1, field->id);
}

#endif
