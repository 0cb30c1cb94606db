/* The head of a message: method, type, sequence id. No GIL needed. Twin:
 * pie/thrift/wire/message_head.py. */
#ifndef PIE_MESSAGE_H
#define PIE_MESSAGE_H

#include "codec/protocol.h"

typedef enum { MESSAGE_CALL = 1, MESSAGE_REPLY, MESSAGE_EXCEPTION, MESSAGE_ONEWAY } MessageType;

typedef struct {
    Protocol protocol;
    MessageType type;
    int32_t seqid;
    const char *name; /* within the message; UTF-8 is not checked */
    size_t name_size;
    size_t body; /* offset of what follows the head */
} MessageHead;

/* NULL, or what is wrong with it (static text). */
const char *message_head_read(const uint8_t *message, size_t size, MessageHead *head);

/* 0, or -1 when there is no memory (no exception is set). */
int message_head_write(Buffer *out, Protocol protocol, MessageType type, int32_t seqid,
                       const char *name, size_t name_size);

#endif
