/* The header of the PROXY protocol (haproxy's proxy-protocol.txt, 2.1 and 2.2). */
#include "http/proxy.h"

#include <arpa/inet.h>

#include "http/octets.h"

#define V1_MOST 107 /* with CRLF */
#define V2_FIXED 16
#define V2_MOST 4096 /* of addresses and what else it tells */
#define V2_VERSION 2

enum { COMMAND_LOCAL, COMMAND_PROXY };
enum { TCP_OVER_IPV4 = 0x11, TCP_OVER_IPV6 = 0x21 };

#define V1_BEGIN "PROXY "
#define V2_BEGIN "\r\n\r\n\0\r\nQUIT\n"
#define V1_BEGIN_SIZE (sizeof V1_BEGIN - 1)
#define V2_BEGIN_SIZE (sizeof V2_BEGIN - 1)

static ProxyState bad(HttpProblem *problem, const char *text) {
    *problem = (HttpProblem){400, text};
    return PROXY_BAD;
}

static void peer_set(ProxyHeader *header, int family, const void *address, uint16_t port) {
    char text[INET6_ADDRSTRLEN];
    inet_ntop(family, address, text, sizeof text);
    snprintf(header->peer, sizeof header->peer, family == AF_INET6 ? "[%s]:%d" : "%s:%d", text, port);
}

/* The next word of version 1 as text; false if there is none of a fitting size. */
static bool word_next(const uint8_t **at, const uint8_t *end, char *word, size_t room) {
    const uint8_t *space = memchr(*at, ' ', (size_t)(end - *at));
    size_t size = (size_t)((space == NULL ? end : space) - *at);
    if (size == 0 || size >= room || memchr(*at, 0, size) != NULL) {
        return false;
    }
    memcpy(word, *at, size);
    word[size] = 0;
    *at = space == NULL ? end : space + 1;
    return true;
}

static bool port_read(const char *word, uint16_t *port) {
    uint32_t value = 0;
    size_t size = strlen(word);
    for (size_t i = 0; i < size; i++) {
        if (!octet_is((uint8_t)word[i], OCTET_DIGIT)) {
            return false;
        }
        value = value * 10 + (uint32_t)(word[i] - '0');
    }
    *port = (uint16_t)value;
    return size <= 5 && value <= 65535 && (size == 1 || word[0] != '0');
}

/* "TCP4 from to from_port to_port" */
static bool v1_addresses(const uint8_t *at, const uint8_t *end, int family, ProxyHeader *header) {
    char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN], from_port[6], to_port[6];
    uint8_t address[16], other[16];
    uint16_t port, other_port;
    if (!word_next(&at, end, from, sizeof from) || !word_next(&at, end, to, sizeof to) ||
        !word_next(&at, end, from_port, sizeof from_port) ||
        !word_next(&at, end, to_port, sizeof to_port) || end[-1] == ' ' || at != end) {
        return false;
    }
    if (inet_pton(family, from, address) != 1 || inet_pton(family, to, other) != 1 ||
        !port_read(from_port, &port) || !port_read(to_port, &other_port)) {
        return false;
    }
    peer_set(header, family, address, port);
    return true;
}

static ProxyState v1_read(const uint8_t *data, size_t size, ProxyHeader *header,
                          HttpProblem *problem) {
    const uint8_t *newline = memchr(data, '\n', size < V1_MOST ? size : V1_MOST);
    if (newline == NULL) {
        return size < V1_MOST ? PROXY_PARTIAL : bad(problem, "the PROXY line is too long");
    }
    const uint8_t *at = data + V1_BEGIN_SIZE, *end = newline - 1;
    header->size = (size_t)(newline + 1 - data);
    size_t left = end > at ? (size_t)(end - at) : 0;
    if (*end == '\r' && left >= 7 && memcmp(at, "UNKNOWN", 7) == 0 && (left == 7 || at[7] == ' ')) {
        return PROXY_WHOLE; /* What follows is to be ignored. */
    }
    int family = left < 5                        ? 0
                 : memcmp(at, "TCP4 ", 5) == 0 ? AF_INET
                 : memcmp(at, "TCP6 ", 5) == 0 ? AF_INET6
                                               : 0;
    if (*end != '\r' || family == 0 || !v1_addresses(at + 5, end, family, header)) {
        return bad(problem, "the PROXY line is damaged");
    }
    return PROXY_WHOLE;
}

static ProxyState v2_read(const uint8_t *data, size_t size, ProxyHeader *header,
                          HttpProblem *problem) {
    if (size < V2_FIXED) {
        return PROXY_PARTIAL;
    }
    int version = data[12] >> 4, command = data[12] & 0xf, family = data[13];
    size_t length = load_u16(data + 14);
    if (version != V2_VERSION || command > COMMAND_PROXY) {
        return bad(problem, "the PROXY header is of a version or command that does not exist");
    }
    if (length > V2_MOST) {
        return bad(problem, "the PROXY header is too long");
    }
    header->size = V2_FIXED + length;
    if (size < header->size) {
        return PROXY_PARTIAL;
    }
    const uint8_t *addresses = data + V2_FIXED;
    if (command == COMMAND_LOCAL) {
        return PROXY_WHOLE; /* The proxy's own request, as a check of health. */
    }
    if ((family == TCP_OVER_IPV4 && length < 12) || (family == TCP_OVER_IPV6 && length < 36)) {
        return bad(problem, "the PROXY header is shorter than its addresses");
    }
    if (family == TCP_OVER_IPV4) {
        peer_set(header, AF_INET, addresses, load_u16(addresses + 8));
    } else if (family == TCP_OVER_IPV6) {
        peer_set(header, AF_INET6, addresses, load_u16(addresses + 32));
    } /* Others, as unix sockets, name no address that anybody could use. */
    return PROXY_WHOLE;
}

static bool may_begin(const uint8_t *data, size_t size, const char *begin, size_t of) {
    return memcmp(data, begin, size < of ? size : of) == 0;
}

ProxyState proxy_read(const uint8_t *data, size_t size, ProxyHeader *header, HttpProblem *problem) {
    *header = (ProxyHeader){0};
    if (may_begin(data, size, V1_BEGIN, V1_BEGIN_SIZE)) {
        return size < V1_BEGIN_SIZE ? PROXY_PARTIAL : v1_read(data, size, header, problem);
    }
    if (may_begin(data, size, V2_BEGIN, V2_BEGIN_SIZE)) {
        return size < V2_BEGIN_SIZE ? PROXY_PARTIAL : v2_read(data, size, header, problem);
    }
    return PROXY_NONE;
}
