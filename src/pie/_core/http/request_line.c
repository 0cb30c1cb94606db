/* The first line of a request (RFC 9112, 3). */
#include "http/request_line.h"

#include "http/host.h"
#include "http/octets.h"

#define MOST_METHOD 32

ALWAYS_INLINE Span span(const uint8_t *data, const uint8_t *from, const uint8_t *to) {
    return (Span){(uint32_t)(from - data), (uint32_t)(to - from)};
}

/* Up to seven letters as one number. */
#define LETTERS(a, b, c, d, e, f, g)                                                            \
    ((uint64_t)(a) << 48 | (uint64_t)(b) << 40 | (uint64_t)(c) << 32 | (uint64_t)(d) << 24 |    \
     (uint64_t)(e) << 16 | (uint64_t)(f) << 8 | (uint64_t)(g))

#define GET LETTERS(0, 0, 0, 0, 'G', 'E', 'T')
#define HEAD LETTERS(0, 0, 0, 'H', 'E', 'A', 'D')
#define POST LETTERS(0, 0, 0, 'P', 'O', 'S', 'T')
#define PUT LETTERS(0, 0, 0, 0, 'P', 'U', 'T')
#define PATCH LETTERS(0, 0, 'P', 'A', 'T', 'C', 'H')
#define DELETE LETTERS(0, 'D', 'E', 'L', 'E', 'T', 'E')
#define OPTIONS LETTERS('O', 'P', 'T', 'I', 'O', 'N', 'S')
#define CONNECT LETTERS('C', 'O', 'N', 'N', 'E', 'C', 'T')

static uint64_t letters(const uint8_t *at, size_t size) {
    uint64_t all = 0;
    for (size_t i = 0; i < size && size <= 7; i++) {
        all = all << 8 | at[i];
    }
    return all;
}

static Verb verb_of(const uint8_t *method, size_t size) {
    switch (letters(method, size)) {
    case GET:
        return VERB_GET;
    case HEAD:
        return VERB_HEAD;
    case POST:
        return VERB_POST;
    case PUT:
        return VERB_PUT;
    case PATCH:
        return VERB_PATCH;
    case DELETE:
        return VERB_DELETE;
    case OPTIONS:
        return VERB_OPTIONS;
    default:
        return VERB_OTHER;
    }
}

/* Where the path ends that begins at `at`. */
static const uint8_t *path_read(const uint8_t *data, const uint8_t *at, const uint8_t *end,
                                RequestHead *head) {
    const uint8_t *begin = at;
    uint8_t seen = 0, class;
    while (at < end && ((class = octets[*at]) & OCTET_PATH)) {
        seen |= class;
        at++;
    }
    head->path = span(data, begin, at);
    head->path_is_plain = !(seen & OCTET_CODED);
    return at;
}

/* Path and query; where the target ends. */
static const uint8_t *origin_read(const uint8_t *data, const uint8_t *at, const uint8_t *end,
                                  RequestHead *head) {
    at = path_read(data, at, end, head);
    head->query = span(data, at, at);
    if (at < end && *at == '?') {
        const uint8_t *begin = ++at;
        while (at < end && octet_is(*at, OCTET_QUERY)) {
            at++;
        }
        head->query = span(data, begin, at);
    }
    return at;
}

/* "http://host:port", and what follows as in the other form. */
static const uint8_t *absolute_read(const uint8_t *data, const uint8_t *at, const uint8_t *end,
                                    RequestHead *head, HttpProblem *problem) {
    size_t left = (size_t)(end - at);
    size_t scheme = left >= 7 && octets_are(at, 7, "http://")    ? 7
                    : left >= 8 && octets_are(at, 8, "https://") ? 8
                                                                 : 0;
    if (scheme == 0) {
        return refused(problem, 400, "the target is neither a path nor an http URL");
    }
    const uint8_t *host = at += scheme;
    while (at < end && octet_is(*at, OCTET_PATH) && *at != '/') {
        at++;
    }
    if (!host_is_valid(host, (size_t)(at - host))) {
        return refused(problem, 400, "the target's URL names no valid host");
    }
    head->host = span(data, host, at);
    head->absolute = true;
    return origin_read(data, at, end, head);
}

static const uint8_t *target_read(const uint8_t *data, const uint8_t *at, const uint8_t *end,
                                  RequestHead *head, HttpProblem *problem) {
    head->absolute = false;
    head->host = (Span){0};
    if (UNLIKELY(head->verb == VERB_OTHER) &&
        letters(span_at(data, head->method), head->method.size) == CONNECT) {
        return refused(problem, 501, "CONNECT is not served: this server is no proxy");
    }
    if (LIKELY(*at == '/')) {
        return origin_read(data, at, end, head);
    }
    if (head->verb == VERB_OPTIONS && *at == '*') {
        head->path = head->query = span(data, at + 1, at + 1);
        head->path_is_plain = true;
        return at + 1;
    }
    return absolute_read(data, at, end, head, problem);
}

/* What is wrong behind a target. */
static const char *unfinished(const uint8_t *at, const uint8_t *end) {
    if (at < end && *at == '#') {
        return "the target has a fragment, which is never sent";
    }
    if (at < end && *at == '\r') {
        return "the request line does not end with an HTTP version";
    }
    return "the target is not followed by one space, or holds what no URL holds";
}

/* The version and the end of the line. */
static const uint8_t *version_read(const uint8_t *at, const uint8_t *end, RequestHead *head,
                                   HttpProblem *problem) {
    const size_t size = sizeof "HTTP/1.1\r\n" - 1;
    if (LIKELY((size_t)(end - at) >= size && memcmp(at, "HTTP/1.", 7) == 0 &&
               (at[7] == '1' || at[7] == '0') && memcmp(at + 8, "\r\n", 2) == 0)) {
        head->minor = at[7] - '0';
        return at + size;
    }
    if ((size_t)(end - at) >= size && memcmp(at, "HTTP/", 5) == 0 && octet_is(at[5], OCTET_DIGIT) &&
        at[6] == '.' && octet_is(at[7], OCTET_DIGIT) && memcmp(at + 8, "\r\n", 2) == 0) {
        return refused(problem, 505, "only HTTP/1.1 and HTTP/1.0 are served");
    }
    return refused(problem, 400, "the request line does not end with an HTTP version");
}

const uint8_t *request_line_read(const uint8_t *data, const uint8_t *at, const uint8_t *end,
                                 RequestHead *head, HttpProblem *problem) {
    const uint8_t *method = at;
    while (at < end && octet_is(*at, OCTET_TOKEN)) {
        at++;
    }
    if (UNLIKELY(end - at < 2 || *at != ' ' || at == method)) {
        return refused(problem, 400, "the request line does not begin with a method and one space");
    }
    head->method = span(data, method, at);
    head->verb = verb_of(method, head->method.size);
    if (UNLIKELY(head->method.size > MOST_METHOD)) {
        return refused(problem, 501, "no method has so long a name");
    }
    const uint8_t *target = ++at;
    at = target_read(data, at, end, head, problem);
    if (UNLIKELY(at == NULL)) {
        return NULL;
    }
    if (UNLIKELY(at == end || *at != ' ' || at == target)) {
        return refused(problem, 400, unfinished(at, end));
    }
    head->target = span(data, target, at);
    return version_read(at + 1, end, head, problem);
}
