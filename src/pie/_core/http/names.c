/* Names of fields that many requests have: a hash table of eight-byte words, filled once. */
#include "http/names.h"

static const char *const names[] = {
    [FIELD_OTHER] = "",
    [FIELD_HOST] = "host",
    [FIELD_CONTENT_LENGTH] = "content-length",
    [FIELD_TRANSFER_ENCODING] = "transfer-encoding",
    [FIELD_CONNECTION] = "connection",
    [FIELD_EXPECT] = "expect",
    [FIELD_UPGRADE] = "upgrade",
    [FIELD_CONTENT_TYPE] = "content-type",
    [FIELD_COOKIE] = "cookie",
    [FIELD_X_FORWARDED_FOR] = "x-forwarded-for",
    [FIELD_X_FORWARDED_PROTO] = "x-forwarded-proto",
    [FIELD_X_FORWARDED_HOST] = "x-forwarded-host",
    [FIELD_X_FORWARDED_PREFIX] = "x-forwarded-prefix",
    /* Browsers, tools, proxies: */
    "accept", "accept-charset", "accept-encoding", "accept-language", "authorization",
    "cache-control", "content-encoding", "content-language", "date", "dnt", "forwarded", "from",
    "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since",
    "keep-alive", "max-forwards", "origin", "pragma", "priority", "proxy-connection", "range",
    "referer", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform", "sec-fetch-dest",
    "sec-fetch-mode", "sec-fetch-site", "sec-fetch-user", "sec-gpc", "te", "trailer",
    "upgrade-insecure-requests", "user-agent", "via", "x-csrf-token", "x-csrftoken",
    "x-forwarded-port", "x-http-method-override", "x-real-ip", "x-request-id",
    "x-requested-with",
    /* Of chains of calls: */
    "pie-to", "traceparent", "tracestate", "baggage", "x-tt-logid", "x-b3-traceid", "x-b3-spanid",
    "x-b3-sampled",
};

#define COUNT (sizeof names / sizeof *names)
#define SLOTS 256
#define LOWER 0x2020202020202020u /* makes letters small, and leaves digits and "-" */

_Static_assert(COUNT == FIELD_COUNT, "FIELD_COUNT counts the names");

static uint8_t slots[SLOTS], sizes[COUNT];

static inline uint64_t word(const uint8_t *at) {
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value | LOWER;
}

static inline uint32_t slot_of(const uint8_t *name, size_t size) {
    uint32_t mixed = (name[0] | 0x20u) * 31 + (name[size - 1] | 0x20u) * 7 +
                     (name[size / 2] | 0x20u) * 113 + (uint32_t)size * 17;
    return (mixed ^ mixed >> 8) % SLOTS;
}

/* Of equal size; `known` is in lower case. */
static inline bool is_same(const uint8_t *name, const uint8_t *known, size_t size) {
    if (size >= 8) {
        for (size_t at = 0; at + 8 < size; at += 8) {
            if (word(name + at) != word(known + at)) {
                return false;
            }
        }
        return word(name + size - 8) == word(known + size - 8);
    }
    for (size_t at = 0; at < size; at++) {
        if ((name[at] | 0x20) != known[at]) {
            return false;
        }
    }
    return true;
}

uint8_t names_find(const uint8_t *name, size_t size) {
    for (uint32_t slot = slot_of(name, size); slots[slot] != 0; slot = (slot + 1) % SLOTS) {
        uint8_t number = slots[slot];
        if (sizes[number] == size && is_same(name, (const uint8_t *)names[number], size)) {
            return number;
        }
    }
    return FIELD_OTHER;
}

const char *names_text(uint8_t number) {
    return names[number];
}

void names_init(void) {
    if (sizes[FIELD_HOST] != 0) {
        return;
    }
    for (size_t number = 1; number < COUNT; number++) {
        const uint8_t *name = (const uint8_t *)names[number];
        sizes[number] = (uint8_t)strlen(names[number]);
        uint32_t slot = slot_of(name, sizes[number]);
        while (slots[slot] != 0) {
            slot = (slot + 1) % SLOTS;
        }
        slots[slot] = (uint8_t)number;
    }
}
