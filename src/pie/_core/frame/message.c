/* The head of a message: method, type, sequence id. */
#include "frame/message.h"

#define BINARY_VERSION 0x80010000u
#define COMPACT_MAGIC 0x82
#define COMPACT_VERSION 1
#define MAX_NAME_BYTES 1024
#define MAX_VARINT_BYTES 10 /* More of them than a number needs are read, as the twin does. */

static const char *const END = "the message ends within its header";

static const char *check(const MessageHead *head) {
    if (head->type < MESSAGE_CALL || head->type > MESSAGE_ONEWAY) {
        return "a message of a type that does not exist";
    }
    return NULL;
}

static const char *binary_read(const uint8_t *message, size_t size, MessageHead *head) {
    if (size < 8) {
        return END;
    }
    uint32_t version = load_u32(message), name_size = load_u32(message + 4);
    if ((version & 0xFFFF0000u) != BINARY_VERSION) {
        return "a message that is not of the strict binary protocol's version";
    }
    if (name_size > MAX_NAME_BYTES) {
        return "a method name of more than 1024 bytes";
    }
    if (size - 8 < (size_t)name_size + 4) {
        return END;
    }
    head->type = (MessageType)(version & 0xFF);
    head->name = (const char *)message + 8;
    head->name_size = name_size;
    head->seqid = (int32_t)load_u32(message + 8 + name_size);
    head->body = 12 + (size_t)name_size;
    return check(head);
}

/* A varint of up to 32 bits: 1, 0 if it is larger, -1 if it does not end within the message. */
static int varint_read(const uint8_t *message, size_t size, size_t *at, uint32_t *number) {
    bool large = false;
    *number = 0;
    for (int i = 0; i < MAX_VARINT_BYTES; i++) {
        if (*at >= size) {
            return -1;
        }
        uint8_t byte = message[(*at)++];
        uint64_t part = (uint64_t)(byte & 0x7F) << (i < 5 ? 7 * i : 35);
        large = large || part > UINT32_MAX;
        *number |= (uint32_t)part;
        if (byte < 0x80) {
            return !large;
        }
    }
    return 0;
}

static const char *compact_read(const uint8_t *message, size_t size, MessageHead *head) {
    if (size < 2) {
        return END;
    }
    if ((message[1] & 0x1F) != COMPACT_VERSION) {
        return "a message that is not of the compact protocol's version";
    }
    size_t at = 2;
    uint32_t seqid, name_size;
    int found = varint_read(message, size, &at, &seqid);
    if (found <= 0) {
        return found < 0 ? END : "a sequence id of more than 32 bits";
    }
    found = varint_read(message, size, &at, &name_size);
    if (found == 0 || (found > 0 && name_size > MAX_NAME_BYTES)) {
        return "a method name of more than 1024 bytes";
    }
    if (found < 0 || size - at < name_size) {
        return END;
    }
    head->type = (MessageType)(message[1] >> 5);
    head->seqid = (int32_t)seqid;
    head->name = (const char *)message + at;
    head->name_size = name_size;
    head->body = at + name_size;
    return check(head);
}

const char *message_head_read(const uint8_t *message, size_t size, MessageHead *head) {
    if (size == 0) {
        return END;
    }
    bool compact = message[0] == COMPACT_MAGIC;
    head->protocol = compact ? PROTOCOL_COMPACT : PROTOCOL_BINARY;
    return compact ? compact_read(message, size, head) : binary_read(message, size, head);
}

static size_t put_varint(uint8_t *at, uint32_t number) {
    size_t size = 0;
    while (number >= 0x80) {
        at[size++] = (uint8_t)(number | 0x80);
        number >>= 7;
    }
    at[size++] = (uint8_t)number;
    return size;
}

static int compact_write(Buffer *out, MessageType type, int32_t seqid, const char *name,
                         size_t name_size) {
    uint8_t head[12] = {COMPACT_MAGIC, (uint8_t)(type << 5 | COMPACT_VERSION)};
    size_t size = 2;
    size += put_varint(head + size, (uint32_t)seqid);
    size += put_varint(head + size, (uint32_t)name_size);
    return buffer_add(out, head, size) < 0 ? -1 : buffer_add(out, name, name_size);
}

int message_head_write(Buffer *out, Protocol protocol, MessageType type, int32_t seqid,
                       const char *name, size_t name_size) {
    if (protocol == PROTOCOL_COMPACT) {
        return compact_write(out, type, seqid, name, name_size);
    }
    uint8_t *at = buffer_room(out, 12 + name_size);
    if (at == NULL) {
        return -1;
    }
    store_u32(at, BINARY_VERSION | (uint32_t)type);
    store_u32(at + 4, (uint32_t)name_size);
    memcpy(at + 8, name, name_size);
    store_u32(at + 8 + name_size, (uint32_t)seqid);
    out->size += 12 + name_size;
    return 0;
}
