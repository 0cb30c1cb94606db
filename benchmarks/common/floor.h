/* What the floor asks of a protocol: where a request ends, and its answer. floor.c is linked with one
   file that has the functions declared below the line. */
#ifndef PIE_BENCH_FLOOR_H
#define PIE_BENCH_FLOOR_H

#include <stddef.h>

struct buffer {
    unsigned char *data;
    size_t size, room;
};

/* Make room for more bytes; returns where they go. */
unsigned char *grow(struct buffer *buffer, size_t more);
void add(struct buffer *buffer, const void *data, size_t size);
void die(const char *what);

/* ---- */

/* Take the arguments of the command line. */
void prepare(int count, char **arguments);

/* Add the answer to the request that begins here to what is to be sent. Returns the request's bytes;
   0 while it is not whole, -1 for what is no request. */
long answer(const unsigned char *data, size_t have, struct buffer *out);

#endif
