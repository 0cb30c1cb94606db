/* The text of a peer, "10.1.2.3:4711", "[::1]:4711" or "unix", in its parts. No GIL. */
#ifndef PIE_PEER_H
#define PIE_PEER_H

#include "base/core.h"

typedef struct {
    const char *address, *port; /* NULL and "" of a peer without an address */
    size_t size;                /* of the address, which has no brackets */
} Peer;

static inline Peer peer_of(const char *text) {
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text) {
        return (Peer){NULL, "", 0};
    }
    if (*text == '[' && colon[-1] == ']') {
        return (Peer){text + 1, colon + 1, (size_t)(colon - text) - 2};
    }
    return (Peer){text, colon + 1, (size_t)(colon - text)};
}

#endif
