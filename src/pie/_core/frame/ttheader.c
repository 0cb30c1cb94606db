/* The headers of a TTHeader frame. */
#include "frame/ttheader.h"

enum { BLOCK_PADDING = 0x00, BLOCK_STRINGS = 0x01, BLOCK_INTS = 0x10, BLOCK_TOKEN = 0x11 };

static bool read_number(HeaderReader *reader, unsigned *number) {
    if (reader->end - reader->at < 2) {
        return false;
    }
    *number = load_u16(reader->at);
    reader->at += 2;
    return true;
}

static bool read_text(HeaderReader *reader, const char **text, size_t *size) {
    unsigned number;
    if (!read_number(reader, &number) || (size_t)(reader->end - reader->at) < number) {
        return false;
    }
    *text = (const char *)reader->at;
    *size = number;
    reader->at += number;
    return true;
}

/* 1 = a block with entries begins, 0 = no more, -1 = damaged. */
static int next_block(HeaderReader *reader) {
    const char *token;
    size_t size;
    while (reader->at < reader->end) {
        reader->block = *reader->at++;
        switch (reader->block) {
        case BLOCK_PADDING:
            break;
        case BLOCK_STRINGS:
        case BLOCK_INTS:
            if (!read_number(reader, &reader->left)) {
                return -1;
            }
            if (reader->left > 0) {
                return 1;
            }
            break;
        case BLOCK_TOKEN:
            if (!read_text(reader, &token, &size)) {
                return -1;
            }
            break;
        default:
            return -1;
        }
    }
    return 0;
}

int header_next(HeaderReader *reader, HeaderEntry *entry) {
    if (reader->left == 0) {
        int found = next_block(reader);
        if (found <= 0) {
            return found;
        }
    }
    reader->left--;
    bool read;
    if (reader->block == BLOCK_INTS) {
        unsigned number = 0;
        entry->key = NULL;
        read = read_number(reader, &number);
        entry->number = (int)number;
    } else {
        read = read_text(reader, &entry->key, &entry->key_size);
    }
    return read && read_text(reader, &entry->value, &entry->value_size) ? 1 : -1;
}

size_t ttheader_begin(Buffer *out, uint16_t flags, int32_t seqid, int protocol) {
    size_t begin = out->size;
    uint8_t *at = buffer_room(out, TTHEADER_FIXED + 2);
    if (at == NULL) {
        return SIZE_MAX;
    }
    store_u16(at + 4, TTHEADER_MAGIC);
    store_u16(at + 6, flags);
    store_u32(at + 8, (uint32_t)seqid);
    at[TTHEADER_FIXED] = protocol == 1 ? ID_COMPACT : ID_BINARY;
    at[TTHEADER_FIXED + 1] = 0; /* No transforms. */
    out->size += TTHEADER_FIXED + 2;
    return begin;
}

int header_block(Buffer *out, bool strings, unsigned count) {
    uint8_t *at = buffer_room(out, 3);
    if (at == NULL) {
        return -1;
    }
    at[0] = strings ? BLOCK_STRINGS : BLOCK_INTS;
    store_u16(at + 1, (uint16_t)count);
    out->size += 3;
    return 0;
}

static int add_sized(Buffer *out, const char *text, size_t size) {
    uint8_t *at = size > UINT16_MAX ? NULL : buffer_room(out, 2 + size);
    if (at == NULL) {
        return -1;
    }
    store_u16(at, (uint16_t)size);
    memcpy(at + 2, text, size);
    out->size += 2 + size;
    return 0;
}

int header_add_int(Buffer *out, int key, const char *value, size_t size) {
    uint8_t *at = buffer_room(out, 2);
    if (at == NULL) {
        return -1;
    }
    store_u16(at, (uint16_t)key);
    out->size += 2;
    return add_sized(out, value, size);
}

int header_add_text(Buffer *out, const char *key, size_t key_size, const char *value, size_t size) {
    return add_sized(out, key, key_size) < 0 ? -1 : add_sized(out, value, size);
}

int ttheader_close(Buffer *out, size_t begin, bool inner_framed) {
    size_t blocks = out->size - begin - TTHEADER_FIXED;
    size_t padding = (4 - blocks % 4) % 4;
    size_t words = (blocks + padding) / 4;
    size_t more = padding + (inner_framed ? 4 : 0);
    uint8_t *at = words > UINT16_MAX ? NULL : buffer_room(out, more);
    if (at == NULL) {
        return -1;
    }
    memset(at, 0, more);
    out->size += more;
    store_u16(out->data + begin + 12, (uint16_t)words);
    return 0;
}

void ttheader_end(Buffer *out, size_t begin, bool inner_framed) {
    size_t size = out->size - begin - 4;
    store_u32(out->data + begin, (uint32_t)size);
    if (inner_framed) {
        size_t message = TTHEADER_FIXED + (size_t)load_u16(out->data + begin + 12) * 4;
        store_u32(out->data + begin + message, (uint32_t)(size - message));
    }
}
