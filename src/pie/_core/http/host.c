/* The names of hosts: a name, an IPv4 address, or an IPv6 address in brackets; then perhaps a port. */
#include "http/host.h"

#include <arpa/inet.h>

#include "http/octets.h"

#define MOST_PORT 65535

static bool port_is_valid(const uint8_t *at, const uint8_t *end) {
    uint32_t port = 0;
    for (; at < end; at++) {
        if (!octet_is(*at, OCTET_DIGIT) || (port = port * 10 + (*at - '0')) > MOST_PORT) {
            return false;
        }
    }
    return true; /* "host:" is allowed. */
}

/* Where an address in brackets ends; NULL if it is none. */
static const uint8_t *address_end(const uint8_t *at, const uint8_t *end) {
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    const uint8_t *close = memchr(at, ']', (size_t)(end - at));
    size_t size = close == NULL ? 0 : (size_t)(close - at) - 1;
    if (close == NULL || size >= sizeof text) {
        return NULL;
    }
    memcpy(text, at + 1, size);
    text[size] = 0;
    return inet_pton(AF_INET6, text, &address) == 1 ? close + 1 : NULL;
}

/* Where a name ends; NULL where it is damaged. */
static const uint8_t *name_end(const uint8_t *at, const uint8_t *end) {
    for (;;) {
        while (at < end && octet_is(*at, OCTET_HOST)) {
            at++;
        }
        if (at == end || *at != '%') {
            return at;
        }
        if (end - at < 3 || !octet_is(at[1], OCTET_HEX) || !octet_is(at[2], OCTET_HEX)) {
            return NULL;
        }
        at += 3;
    }
}

bool host_is_valid(const uint8_t *at, size_t size) {
    const uint8_t *begin = at, *end = at + size;
    if (size == 0) {
        return false;
    }
    at = *at == '[' ? address_end(at, end) : name_end(at, end);
    if (at == NULL || at == begin) {
        return false;
    }
    return at == end || (*at == ':' && port_is_valid(at + 1, end));
}
