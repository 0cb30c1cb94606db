/* Bytes that grow at their end. */
#include "base/buffer.h"

#define SMALLEST 1024

uint8_t *buffer_grow(Buffer *buffer, size_t more) {
    size_t capacity = buffer->capacity ? buffer->capacity : SMALLEST;
    while (capacity - buffer->size < more) {
        if (capacity > SIZE_MAX / 2) {
            return NULL;
        }
        capacity *= 2;
    }
    uint8_t *data = realloc(buffer->data, capacity);
    if (data == NULL) {
        return NULL;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return data + buffer->size;
}

void buffer_free(Buffer *buffer) {
    free(buffer->data);
    *buffer = (Buffer){0};
}

void buffer_reset(Buffer *buffer, size_t keep) {
    if (buffer->capacity > keep) {
        buffer_free(buffer);
    }
    buffer->size = 0;
}
