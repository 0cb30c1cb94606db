/* A set of networks, asked for addresses that are given as text. No GIL. Twin: pie/web/peers.py. */
#ifndef PIE_NETWORKS_H
#define PIE_NETWORKS_H

#include "base/core.h"

#define NETWORKS_MOST 64

typedef struct {
    uint8_t address[16]; /* an IPv4 network as ::ffff:a.b.c.d/(96 + bits) */
    uint8_t bits;
} Network;

typedef struct {
    Network list[NETWORKS_MOST];
    uint16_t count;
    bool unix_peers; /* peers on unix sockets, which have no address, belong to it */
} Networks;

/* Adds a network as ipaddress of Python writes it, as "10.0.0.0/8", or an address, or "unix". False for
 * what is none of these, or one too many. */
bool networks_add(Networks *networks, const char *text);

/* Whether an address belongs to it. */
bool networks_have(const Networks *networks, const char *address, size_t size);

/* The same of a peer: "10.1.2.3:4711", "[::1]:4711", "unix". */
bool networks_have_peer(const Networks *networks, const char *peer);

#endif
