/* The headers of a TTHeader frame: read block by block, written from front to back. No GIL needed.
 * Twin: pie/thrift/wire/ttheader.py. */
#ifndef PIE_TTHEADER_H
#define PIE_TTHEADER_H

#include "base/buffer.h"

#define TTHEADER_MAGIC 0x1000
#define TTHEADER_FIXED 14 /* bytes before the protocol and the blocks */
#define FLAG_OUT_OF_ORDER 0x01
#define FLAG_STREAMING 0x02

/* The protocols in the headers; a struct without a message belongs to a stream. */
enum { ID_BINARY = 0, ID_COMPACT = 2, ID_STRUCT = 0x10 };

/* Integer keys that are read or written in C; pie.thrift.IntKey has them all. */
enum {
    KEY_LOGID = 2,
    KEY_FROM_SERVICE = 3,
    KEY_FROM_CLUSTER = 4,
    KEY_TO_SERVICE = 6,
    KEY_TO_CLUSTER = 7,
    KEY_TO_METHOD = 9,
    KEY_ENV = 10,
    KEY_RPC_TIMEOUT = 12,
    KEY_SPAN_CONTEXT = 18,
    KEY_STRESS_TAG = 21,
    KEYS_END, /* above all of these */
};

/* A position in the blocks. */
typedef struct {
    const uint8_t *at, *end;
    uint8_t block;     /* whose entries are being read */
    unsigned left;     /* entries left in it */
} HeaderReader;

typedef struct {
    const char *key; /* NULL for an integer key */
    size_t key_size;
    int number; /* the integer key */
    const char *value;
    size_t value_size;
} HeaderEntry;

/* 1 = an entry, 0 = the end, -1 = the blocks are damaged. An ACL token is passed over. */
int header_next(HeaderReader *reader, HeaderEntry *entry);

/* Begins a TTHeader frame; returns where it begins, or SIZE_MAX without memory. Then
 * header_add_* (all of one kind in a row, `count` of them after header_block), then
 * ttheader_close, then the message, then ttheader_end. */
size_t ttheader_begin(Buffer *out, uint16_t flags, int32_t seqid, int protocol);
int header_block(Buffer *out, bool strings, unsigned count);
int header_add_int(Buffer *out, int key, const char *value, size_t size);
int header_add_text(Buffer *out, const char *key, size_t key_size, const char *value, size_t size);
/* Pads the headers; with `inner_framed` leaves room for the message's own length. -1: no memory, or
 * more headers than fit. */
int ttheader_close(Buffer *out, size_t begin, bool inner_framed);
/* Sets the lengths, once the message stands behind. */
void ttheader_end(Buffer *out, size_t begin, bool inner_framed);

#endif
