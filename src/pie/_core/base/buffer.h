/* Bytes that grow at their end. Usable without the GIL. */
#ifndef PIE_BUFFER_H
#define PIE_BUFFER_H

#include "base/core.h"

typedef struct {
    uint8_t *data;
    size_t size;
    size_t capacity;
} Buffer;

/* Room for `more` bytes behind the end; NULL when there is no memory (no exception is set). */
uint8_t *buffer_grow(Buffer *buffer, size_t more);

static inline uint8_t *buffer_room(Buffer *buffer, size_t more) {
    if (LIKELY(buffer->capacity - buffer->size >= more)) {
        return buffer->data + buffer->size;
    }
    return buffer_grow(buffer, more);
}

/* 0, or -1 when there is no memory (no exception is set). */
static inline int buffer_add(Buffer *buffer, const void *bytes, size_t size) {
    if (size == 0) {
        return 0; /* An empty buffer has no room to point at, and `bytes` may be NULL. */
    }
    uint8_t *room = buffer_room(buffer, size);
    if (UNLIKELY(room == NULL)) {
        return -1;
    }
    memcpy(room, bytes, size);
    buffer->size += size;
    return 0;
}

/* Gives the memory back. The buffer may be used again. */
void buffer_free(Buffer *buffer);

/* Forgets the contents; gives memory back beyond `keep` bytes, so that one large message does not
 * stay paid for. */
void buffer_reset(Buffer *buffer, size_t keep);

#endif
