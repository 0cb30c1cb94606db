/* Records that wait for the writer: whole lines, up to a limit. What comes when it is full is
 * dropped and counted. Guarded by the GIL.
 */
#ifndef PIE_RING_H
#define PIE_RING_H

#include "base/buffer.h"

typedef struct {
    int64_t quarter; /* hours begin at a quarter of one in every time zone */
    double ts;
    size_t end;
} Segment;

typedef struct {
    Buffer bytes;
    Segment *segments;
    size_t count, capacity;
    size_t limit; /* of bytes */
    size_t records;
    int64_t lost;
} Ring;

/* Where a record may be written, or NULL: the ring is full, and the record is counted as lost. */
Buffer *ring_open(Ring *ring);

/* The record that begins at `begin` in the bytes is written, or (`whole` is false) was not to be.
 * `ts` in Unix seconds chooses the file. */
void ring_close(Ring *ring, size_t begin, bool whole, double ts);

/* Takes all: a list of (ts, bytes), each of one quarter of an hour, in order. NULL on error. */
PyObject *ring_take(Ring *ring);

/* Forgets all that waits. */
void ring_clear(Ring *ring);

#endif
