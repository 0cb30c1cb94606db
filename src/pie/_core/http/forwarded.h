/* What a trusted proxy says of the request that it passes on: X-Forwarded-For, -Proto, -Host and -Prefix.
 * No GIL. */
#ifndef PIE_FORWARDED_H
#define PIE_FORWARDED_H

#include "http/networks.h"
#include "http/request_head.h"

/* A span of size 0: nothing is said, or nothing that can be believed. */
typedef struct {
    Span address; /* the client: the last one of X-Forwarded-For that is no trusted proxy */
    Span host;
    Span prefix; /* begins with "/" and does not end with one */
    bool https;  /* the client asked by https */
    bool http;   /* the client asked by http */
} Forwarded;

/* Call it only for the request of a trusted peer. */
void forwarded_read(const uint8_t *data, const RequestHead *head, const Networks *trusted,
                    Forwarded *forwarded);

#endif
