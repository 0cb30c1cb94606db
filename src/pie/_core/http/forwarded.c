/* What a trusted proxy says of the request. Each proxy adds to the right, so lists are read from there,
 * and what is left of an address that is not trusted was said by that address itself. */
#include "http/forwarded.h"

#include <arpa/inet.h>

#include "http/host.h"
#include "http/names.h"
#include "http/octets.h"

#define MOST_PREFIX 1024
#define MOST_PROXIES 32 /* in a row */

/* A list in one or more fields, from its last member to the first. */
typedef struct {
    const uint8_t *data;
    const RequestHead *head;
    uint8_t known;
    size_t field;              /* the fields before it are to come */
    const uint8_t *begin, *at; /* of the present field: what is to come; NULL if nothing */
} Members;

static Members members_of(const uint8_t *data, const RequestHead *head, uint8_t known) {
    return (Members){data, head, known, head->count, NULL, NULL};
}

static bool is_space(uint8_t octet) {
    return octet == ' ' || octet == '\t';
}

/* The member before the last one that was given; size 0 = an empty one, at 0 = there is none. */
static Span member_before(Members *members) {
    while (members->at == NULL) {
        if (members->field == 0) {
            return (Span){0};
        }
        const HeadField *field = &members->head->fields[--members->field];
        if (field->known == members->known) {
            members->begin = span_at(members->data, field->value);
            members->at = members->begin + field->value.size;
        }
    }
    const uint8_t *end = members->at, *begin = end;
    while (begin > members->begin && begin[-1] != ',') {
        begin--;
    }
    members->at = begin > members->begin ? begin - 1 : NULL;
    while (begin < end && is_space(*begin)) {
        begin++;
    }
    while (end > begin && is_space(end[-1])) {
        end--;
    }
    return (Span){(uint32_t)(begin - members->data), (uint32_t)(end - begin)};
}

static Span last_of(const uint8_t *data, const RequestHead *head, uint8_t known) {
    Members members = members_of(data, head, known);
    return member_before(&members);
}

/* The address in a member, which may have a port; size 0 = it is none. */
static Span address_in(const uint8_t *data, Span member) {
    const uint8_t *at = span_at(data, member);
    uint8_t parsed[16];
    char text[INET6_ADDRSTRLEN];
    Span address = member;
    const uint8_t *colon = memchr(at, ':', member.size);
    if (member.size > 0 && *at == '[') {
        const uint8_t *close = memchr(at, ']', member.size);
        if (close == NULL) {
            return (Span){0};
        }
        address = (Span){member.at + 1, (uint32_t)(close - at) - 1};
    } else if (colon != NULL && memchr(colon + 1, ':', member.size - (size_t)(colon + 1 - at)) == NULL) {
        address.size = (uint32_t)(colon - at); /* One colon: it is before a port. */
    }
    if (address.size == 0 || address.size >= sizeof text) {
        return (Span){0};
    }
    memcpy(text, span_at(data, address), address.size);
    text[address.size] = 0;
    bool valid = inet_pton(AF_INET, text, parsed) == 1 || inet_pton(AF_INET6, text, parsed) == 1;
    return valid ? address : (Span){0};
}

static Span client_of(const uint8_t *data, const RequestHead *head, const Networks *trusted) {
    Members members = members_of(data, head, FIELD_X_FORWARDED_FOR);
    Span client = {0};
    for (int proxies = 0; proxies < MOST_PROXIES; proxies++) {
        Span address = address_in(data, member_before(&members));
        if (address.size == 0) {
            break;
        }
        client = address;
        if (!networks_have(trusted, (const char *)span_at(data, address), address.size)) {
            break;
        }
    }
    return client;
}

static Span prefix_of(const uint8_t *data, const RequestHead *head) {
    Span prefix = last_of(data, head, FIELD_X_FORWARDED_PREFIX);
    const uint8_t *at = span_at(data, prefix);
    while (prefix.size > 0 && at[prefix.size - 1] == '/') {
        prefix.size--;
    }
    /* "//host" before a path would be another host in what an application redirects to. */
    bool valid = prefix.size > 1 && prefix.size <= MOST_PREFIX && at[0] == '/' && at[1] != '/';
    for (size_t i = 0; valid && i < prefix.size; i++) {
        valid = octet_is(at[i], OCTET_PATH) && at[i] != '\\';
    }
    return valid ? prefix : (Span){0};
}

void forwarded_read(const uint8_t *data, const RequestHead *head, const Networks *trusted,
                    Forwarded *forwarded) {
    Span host = last_of(data, head, FIELD_X_FORWARDED_HOST);
    Span proto = last_of(data, head, FIELD_X_FORWARDED_PROTO);
    *forwarded = (Forwarded){
        .address = client_of(data, head, trusted),
        .host = host_is_valid(span_at(data, host), host.size) ? host : (Span){0},
        .prefix = prefix_of(data, head),
        .https = octets_are(span_at(data, proto), proto.size, "https"),
        .http = octets_are(span_at(data, proto), proto.size, "http"),
    };
}
