/* The header of the PROXY protocol, version 1 or 2, by which a proxy names its client. No GIL. */
#ifndef PIE_PROXY_H
#define PIE_PROXY_H

#include "http/request_head.h"

#define PROXY_PEER 64 /* as PEER_TEXT of the loop */

typedef enum {
    PROXY_NONE, /* the bytes do not begin such a header */
    PROXY_PARTIAL,
    PROXY_WHOLE,
    PROXY_BAD /* `problem` says why */
} ProxyState;

typedef struct {
    size_t size;           /* bytes of the header */
    char peer[PROXY_PEER]; /* "10.1.2.3:4711", "[::1]:4711"; "" = the connection's own peer counts */
} ProxyHeader;

/* Reads the header at the front of what a trusted peer sent; no other may send one. */
ProxyState proxy_read(const uint8_t *data, size_t size, ProxyHeader *header, HttpProblem *problem);

#endif
