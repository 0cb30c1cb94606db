/* A set of networks, as addresses of 16 bytes and how many of their bits count. */
#include "http/networks.h"

#include <arpa/inet.h>

#include "http/peer.h"

static const uint8_t ipv4_prefix[12] = {[10] = 0xff, [11] = 0xff};

/* An address of either kind; false for what is none. */
static bool address_read(const char *text, size_t size, Network *address) {
    char whole[INET6_ADDRSTRLEN];
    if (size >= sizeof whole || memchr(text, 0, size) != NULL) {
        return false;
    }
    memcpy(whole, text, size);
    whole[size] = 0;
    *address = (Network){.bits = 128};
    if (inet_pton(AF_INET, whole, address->address + 12) == 1) {
        memcpy(address->address, ipv4_prefix, sizeof ipv4_prefix);
        return true;
    }
    return inet_pton(AF_INET6, whole, address->address) == 1;
}

static bool is_ipv4(const Network *network) {
    return memcmp(network->address, ipv4_prefix, sizeof ipv4_prefix) == 0;
}

/* The bits of an address that a network does not count, in its byte `at`. */
static uint8_t rest_of(uint8_t bits, int at) {
    int counted = bits - at * 8;
    return counted >= 8 ? 0 : counted <= 0 ? 0xff : (uint8_t)(0xff >> counted);
}

bool networks_add(Networks *networks, const char *text) {
    if (strcmp(text, "unix") == 0) {
        networks->unix_peers = true;
        return true;
    }
    Network network;
    const char *slash = strchr(text, '/');
    size_t size = slash == NULL ? strlen(text) : (size_t)(slash - text);
    if (networks->count == NETWORKS_MOST || !address_read(text, size, &network)) {
        return false;
    }
    bool ipv4 = is_ipv4(&network) && memchr(text, ':', size) == NULL;
    if (slash != NULL) {
        char *end;
        long bits = strtol(slash + 1, &end, 10);
        if (slash[1] < '0' || slash[1] > '9' || *end != 0 || bits > (ipv4 ? 32 : 128)) {
            return false;
        }
        network.bits = (uint8_t)(ipv4 ? bits + 96 : bits);
    }
    for (int at = 0; at < 16; at++) {
        if (network.address[at] & rest_of(network.bits, at)) {
            return false; /* "10.1.2.3/8" is a mistake: which of the two is meant? */
        }
    }
    networks->list[networks->count++] = network;
    return true;
}

static bool holds(const Network *network, const Network *address) {
    if (is_ipv4(network) != is_ipv4(address)) {
        return false; /* "::/0" is all of IPv6, and nothing of IPv4. */
    }
    for (int at = 0; at < 16; at++) {
        if ((network->address[at] ^ address->address[at]) & (uint8_t)~rest_of(network->bits, at)) {
            return false;
        }
    }
    return true;
}

bool networks_have(const Networks *networks, const char *address, size_t size) {
    Network found;
    if (networks->count == 0 || !address_read(address, size, &found)) {
        return false;
    }
    for (size_t i = 0; i < networks->count; i++) {
        if (holds(&networks->list[i], &found)) {
            return true;
        }
    }
    return false;
}

bool networks_have_peer(const Networks *networks, const char *peer) {
    Peer parts = peer_of(peer);
    return parts.address == NULL ? networks->unix_peers
                                 : networks_have(networks, parts.address, parts.size);
}
