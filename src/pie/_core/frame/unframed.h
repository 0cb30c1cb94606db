/* Where a message without a length ends: found by its structure, a step at a time, so that bytes that
 * trickle in are each walked over once. No GIL needed. Twins: pie/thrift/codec/{,binary_,compact_}skip.py. */
#ifndef PIE_UNFRAMED_H
#define PIE_UNFRAMED_H

#include "codec/protocol.h"

/* A struct (`left` is OPEN_STRUCT) or a container that has been entered. */
typedef struct {
    uint8_t code, other; /* of the next element and the one after: keys and values take turns */
    uint64_t left;
} WalkLevel;

typedef struct MessageWalk {
    Protocol protocol;
    bool begun; /* the head is behind */
    size_t at;  /* everything before it has been walked over; may lie behind the end */
    int depth;
    WalkLevel levels[DEFAULT_MAX_DEPTH];
} MessageWalk;

typedef enum { WALK_DONE, WALK_MORE, WALK_BROKEN } WalkState;

void walk_begin(MessageWalk *walk, Protocol protocol);
/* Goes on with what there is of the message, which begins at `data`; when done, `at` is its size. */
WalkState walk_on(MessageWalk *walk, const uint8_t *data, size_t size);

#endif
