/* Records that wait for the writer: whole lines, up to a limit. What comes when it is full is
 * dropped and counted. Where there is a shared mapping they wait in there, while there is room, so
 * that a kill loses none; its format: pie/observe/record/halves.py. Guarded by the GIL.
 */
#ifndef PIE_RING_H
#define PIE_RING_H

#include "base/buffer.h"

typedef struct {
    int64_t quarter; /* hours begin at a quarter of one in every time zone */
    double ts;
    size_t end;
} Segment;

/* One of the two halves of a mapping: one fills while the other is written. Its lines stand behind
 * this head, and are all of one quarter of an hour. */
typedef struct {
    uint64_t used; /* bytes of lines; 0 = the half is free */
    double ts;     /* of the first line */
    uint8_t written[240]; /* by Python only: what of it stands in a file */
} Half;

typedef struct {
    Buffer bytes;
    Segment *segments;
    size_t count, capacity;
    size_t limit; /* of bytes */
    size_t records;
    int64_t lost;
    Py_buffer memory; /* its obj is NULL: there is no mapping */
    int filling;      /* number of a half; -1 = none */
    int64_t half_quarter;
} Ring;

/* Where a record may be written, or NULL: the ring is full, and the record is counted as lost. */
Buffer *ring_open(Ring *ring);

/* The record that begins at `begin` in the bytes is written, or (`whole` is false) was not to be.
 * `ts` in Unix seconds chooses the file. */
void ring_close(Ring *ring, size_t begin, bool whole, double ts);

/* Takes all: a list of (ts, bytes), each of one quarter of an hour, in order. NULL on error. */
PyObject *ring_take(Ring *ring);

/* Keeps lines in a writable buffer from now on. -1 with an exception set. */
int ring_attach(Ring *ring, PyObject *memory);

/* Takes the lines of the half that fills: (ts, bytes, number of the half), or None. They come before
 * those that ring_take takes after that. The half stays in use until it is released. NULL on error. */
PyObject *ring_take_half(Ring *ring);
/* -1 with an exception set. */
int ring_release_half(Ring *ring, long number);

/* Forgets all that waits, and leaves the shared mapping as it is. */
void ring_clear(Ring *ring);

#endif
