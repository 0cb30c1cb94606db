/* Where one message begins and ends in a stream, and what is around it. No GIL needed.
 * Twins: pie/thrift/wire/{transport,frames}.py. */
#ifndef PIE_FRAME_H
#define PIE_FRAME_H

#include "frame/unframed.h"

typedef enum { TRANSPORT_TTHEADER, TRANSPORT_FRAMED, TRANSPORT_BUFFERED } Transport;

#define LENGTH_SIZE 4

typedef struct {
    Transport transport;
    Protocol protocol;
    size_t size;                 /* bytes on the wire, all counted */
    size_t payload, payload_end; /* the bare message */
    /* Of a TTHeader: */
    size_t blocks, blocks_end;
    uint16_t flags;
    int32_t seqid;
    bool inner_framed; /* the message has a length of its own before it */
} FrameView;

typedef enum {
    FRAME_WHOLE,
    FRAME_PARTIAL, /* more bytes are needed: `size` of them in all, or a few to know that */
    FRAME_FOREIGN, /* a transport that the twin reads, or refuses by name */
    FRAME_LARGE,   /* `size` is beyond the limit */
    FRAME_BROKEN   /* the twin raises the error */
} FrameState;

/* Looks at the message at the front. `walk` holds how far an unframed one has been walked over, between
 * calls: *walk is NULL before the first and after the last, made and freed here. */
FrameState frame_find(const uint8_t *data, size_t size, size_t limit, MessageWalk **walk,
                      FrameView *view);

#endif
