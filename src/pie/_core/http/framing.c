/* What the fields of a head say of the message. Two readers that find different ends of a body are two
 * requests where one was sent (request smuggling), so nothing in doubt is accepted (RFC 9112, 6.3). */
#include "http/framing.h"

#include "http/host.h"
#include "http/names.h"
#include "http/octets.h"

#define MOST_DIGITS 18 /* 2**63 is longer */

/* The fields that count, as they are found. */
typedef struct {
    const HeadField *host, *length, *encoding;
    bool close, keep_alive, upgrade, has_upgrade, expects;
} Found;

static bool refuse(HttpProblem *problem, int status, const char *text) {
    *problem = (HttpProblem){status, text};
    return false;
}

typedef struct {
    const uint8_t *at;
    size_t size;
} Member;

/* The next member of a list, which begins at `*at`, without the whitespace around it. */
static Member member_next(const uint8_t **at, const uint8_t *end) {
    const uint8_t *begin = *at;
    const uint8_t *comma = memchr(begin, ',', (size_t)(end - begin));
    const uint8_t *last = comma == NULL ? end : comma;
    *at = comma == NULL ? NULL : comma + 1;
    while (begin < last && (*begin == ' ' || *begin == '\t')) {
        begin++;
    }
    while (last > begin && (last[-1] == ' ' || last[-1] == '\t')) {
        last--;
    }
    return (Member){begin, (size_t)(last - begin)};
}

static void connection_read(const uint8_t *at, size_t size, Found *found) {
    if (LIKELY(octets_are(at, size, "keep-alive"))) {
        found->keep_alive = true;
        return;
    }
    const uint8_t *end = at + size;
    while (at != NULL) {
        Member member = member_next(&at, end);
        found->close |= octets_are(member.at, member.size, "close");
        found->keep_alive |= octets_are(member.at, member.size, "keep-alive");
        found->upgrade |= octets_are(member.at, member.size, "upgrade");
    }
}

static bool field_read(const uint8_t *data, const HeadField *field, Found *found,
                       HttpProblem *problem) {
    const uint8_t *value = span_at(data, field->value);
    size_t size = field->value.size;
    switch (field->known) {
    case FIELD_HOST:
        if (found->host != NULL) {
            return refuse(problem, 400, "there is more than one Host");
        }
        found->host = field;
        return true;
    case FIELD_CONTENT_LENGTH:
        if (found->length != NULL) {
            return refuse(problem, 400, "there is more than one Content-Length");
        }
        found->length = field;
        return true;
    case FIELD_TRANSFER_ENCODING:
        if (found->encoding != NULL) {
            return refuse(problem, 400, "there is more than one Transfer-Encoding");
        }
        found->encoding = field;
        return true;
    case FIELD_CONNECTION:
        connection_read(value, size, found);
        return true;
    case FIELD_EXPECT:
        if (size != 0 && !octets_are(value, size, "100-continue")) {
            return refuse(problem, 417, "Expect asks for something else than 100-continue");
        }
        found->expects |= size != 0;
        return true;
    case FIELD_UPGRADE:
        found->has_upgrade = true;
        return true;
    default:
        return true;
    }
}

static bool host_read(const uint8_t *data, RequestHead *head, const Found *found,
                      HttpProblem *problem) {
    if (found->host == NULL) {
        return head->minor == 0 || refuse(problem, 400, "an HTTP/1.1 request needs a Host");
    }
    Span value = found->host->value;
    if (!host_is_valid(span_at(data, value), value.size)) {
        return refuse(problem, 400, "Host is no valid name of a host");
    }
    if (!head->absolute) { /* Else the target's counts, and Host is ignored (RFC 9112, 3.2.2). */
        head->host = value;
    }
    return true;
}

static bool length_read(const uint8_t *at, size_t size, RequestHead *head, HttpProblem *problem) {
    uint64_t length = 0;
    for (size_t i = 0; i < size; i++) {
        if (!octet_is(at[i], OCTET_DIGIT)) {
            return refuse(problem, 400, "Content-Length is not one number of digits alone");
        }
        length = length * 10 + (uint64_t)(at[i] - '0'); /* May wrap: then it has too many digits. */
    }
    if (size == 0) {
        return refuse(problem, 400, "Content-Length is empty");
    }
    if (size > MOST_DIGITS) {
        return refuse(problem, 413, "Content-Length is beyond what any server takes");
    }
    head->content_length = (int64_t)length;
    return true;
}

static bool encoding_read(const uint8_t *at, size_t size, RequestHead *head, HttpProblem *problem) {
    if (head->minor == 0) {
        return refuse(problem, 400, "HTTP/1.0 has no Transfer-Encoding");
    }
    if (octets_are(at, size, "chunked")) {
        head->chunked = true;
        return true;
    }
    const uint8_t *end = at + size;
    bool last = false, twice = false, empty = false;
    while (at != NULL) {
        Member member = member_next(&at, end);
        bool is_chunked = octets_are(member.at, member.size, "chunked");
        twice |= last; /* Or something behind it, which is as bad. */
        last |= is_chunked;
        empty |= member.size == 0;
    }
    if (twice || empty) {
        return refuse(problem, 400, "Transfer-Encoding is not chunked at its end, and once");
    }
    return refuse(problem, 501, "no Transfer-Encoding but chunked is served");
}

bool framing_read(const uint8_t *data, RequestHead *head, HttpProblem *problem) {
    Found found = {0};
    for (size_t i = 0; i < head->count; i++) {
        const HeadField *field = &head->fields[i];
        if (field->known != FIELD_OTHER && field->known <= FIELD_LAST_READ &&
            UNLIKELY(!field_read(data, field, &found, problem))) {
            return false;
        }
    }
    head->content_length = -1;
    head->chunked = false;
    if (UNLIKELY(!host_read(data, head, &found, problem))) {
        return false;
    }
    if (found.encoding != NULL) {
        if (found.length != NULL) {
            return refuse(problem, 400, "there are both Transfer-Encoding and Content-Length");
        }
        Span value = found.encoding->value;
        if (!encoding_read(span_at(data, value), value.size, head, problem)) {
            return false;
        }
    } else if (found.length != NULL) {
        Span value = found.length->value;
        if (!length_read(span_at(data, value), value.size, head, problem)) {
            return false;
        }
    }
    head->keep_alive = !found.close && (head->minor == 1 || found.keep_alive);
    head->upgrade = found.upgrade && found.has_upgrade;
    head->expects_continue =
        found.expects && head->minor == 1 && (head->chunked || head->content_length > 0);
    return true;
}
