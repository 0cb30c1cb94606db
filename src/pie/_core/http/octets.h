/* Classes of the octets that heads and chunks are made of (RFC 9110, 5.6; RFC 3986). */
#ifndef PIE_OCTETS_H
#define PIE_OCTETS_H

#include "base/core.h"

enum {
    OCTET_TOKEN = 1,   /* of a method or a field's name */
    OCTET_VALUE = 2,   /* of a field's value: visible, space, tab, 0x80 and above */
    OCTET_PATH = 4,    /* of a target: visible but "#" and "?", 0x80 and above */
    OCTET_QUERY = 8,   /* the same, and "?" */
    OCTET_CODED = 16,  /* "%", 0x80 and above: a path with it is not plain */
    OCTET_HOST = 32,   /* of a host's name: unreserved and sub-delims, but for the comma */
    OCTET_HEX = 64,
    OCTET_DIGIT = 128
};

extern const uint8_t octets[256];

ALWAYS_INLINE bool octet_is(uint8_t octet, int classes) {
    return (octets[octet] & classes) != 0;
}

/* The first octet that a field's value cannot have, which ends it; `end` if there is none. */
static inline const uint8_t *value_end(const uint8_t *at, const uint8_t *end) {
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    for (;;) {
        while (end - at >= 8) {
            uint64_t word, del;
            memcpy(&word, at, 8);
            del = word ^ (ones * 0x7f);
            /* Some octet is below 0x20, or it is 0x7f. */
            if ((((word - ones * 0x20) & ~word) | ((del - ones) & ~del)) & high) {
                break;
            }
            at += 8;
        }
        const uint8_t *stop = end - at > 8 ? at + 8 : end;
        while (at < stop && octet_is(*at, OCTET_VALUE)) {
            at++;
        }
        if (at < stop || at == end) {
            return at;
        }
    }
}

static inline uint8_t hex_value(uint8_t digit) {
    return digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}

/* Whether bytes are a word in lower case, in whatever case. The word has letters, digits and "-". */
static inline bool octets_are(const uint8_t *at, size_t size, const char *word) {
    for (size_t i = 0; i < size; i++) {
        if ((at[i] | 0x20) != (uint8_t)word[i]) {
            return false;
        }
    }
    return word[size] == 0;
}

#endif
