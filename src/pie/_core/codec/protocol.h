/* The two protocols, and the bounds that every reader and writer keeps. */
#ifndef PIE_PROTOCOL_H
#define PIE_PROTOCOL_H

#include "base/buffer.h"

typedef enum { PROTOCOL_BINARY = 0, PROTOCOL_COMPACT = 1 } Protocol;

/* In the compact protocol distances of ids up to it, and sizes below it, share a byte with a type
 * code. */
#define NIBBLE 15
#define DEFAULT_MAX_DEPTH 64
/* Whatever depth is allowed: levels are calls of C, and their stack is not Python's. */
#define DEEPEST 1000
#define DEFAULT_DECODED_LIMIT ((Py_ssize_t)64 << 20)

/* As deep as values may nest where the caller allows `depth` levels. */
static inline int within_deepest(Py_ssize_t depth) {
    return depth < DEEPEST ? (int)depth : DEEPEST;
}

#endif
