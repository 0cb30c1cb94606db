/* A chunked body, decoded as it comes. Extensions and trailers are checked, bounded and dropped. No GIL. */
#ifndef PIE_CHUNKS_H
#define PIE_CHUNKS_H

#include "base/buffer.h"
#include "http/request_head.h"

/* All zero before a body. */
typedef struct {
    uint64_t left;    /* bytes to come of the present chunk; its size, while that is read */
    uint64_t total;   /* bytes of the body so far */
    uint32_t extra;   /* bytes of extensions that no data has paid for yet, then of trailers */
    uint16_t line;    /* bytes of the present line */
    uint8_t step;
} Chunks;

typedef enum {
    CHUNKS_MORE, /* all of `in` was taken, and the body goes on */
    CHUNKS_DONE, /* the body ended after `taken` bytes; what follows is the next request */
    CHUNKS_BAD   /* `problem` says why */
} ChunkState;

/* Adds the decoded bytes of `in` to `out`, at most as many as `in` has; a caller who stores them
 * elsewhere may empty `out` between calls. A body of more than `most` bytes is refused (413) as soon as
 * a chunk says so. */
ChunkState chunks_read(Chunks *chunks, const uint8_t *in, size_t size, size_t *taken, Buffer *out,
                       uint64_t most, HttpProblem *problem);

#endif
