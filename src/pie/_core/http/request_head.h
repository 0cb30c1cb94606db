/* The head of an HTTP request, as offsets into its bytes: nothing is copied, nothing is allocated. */
#ifndef PIE_REQUEST_HEAD_H
#define PIE_REQUEST_HEAD_H

#include "base/core.h"

#define HEAD_MOST_FIELDS 100

/* Why a request is refused: the status of the reply, and a sentence. */
typedef struct {
    int status;
    const char *text;
} HttpProblem;

typedef struct {
    uint32_t at, size;
} Span;

typedef struct {
    Span name, value; /* the value without the whitespace around it */
    uint8_t known;    /* the name's number in names.h; 0 = it is no common one */
} HeadField;

typedef enum {
    VERB_OTHER,
    VERB_GET,
    VERB_HEAD,
    VERB_POST,
    VERB_PUT,
    VERB_PATCH,
    VERB_DELETE,
    VERB_OPTIONS,
    VERB_COUNT
} Verb;

typedef struct {
    uint32_t size; /* bytes of the head, its empty line counted */
    Verb verb;
    Span method, target;
    Span path;  /* of the target, still percent-encoded; empty = "/" */
    Span query; /* of the target, without its "?" */
    Span host;  /* of an absolute target, or the value of Host; empty on an HTTP/1.0 without one */
    int64_t content_length; /* -1 = there is none */
    uint16_t count;
    uint8_t minor;         /* HTTP/1.0 or HTTP/1.1 */
    bool path_is_plain;    /* ASCII without a percent sign */
    bool absolute;         /* the target names its host, which counts instead of Host */
    bool chunked;          /* the body comes in chunks; then there is no content_length */
    bool keep_alive;       /* the client would use the connection again */
    bool expects_continue; /* a body follows once "100 Continue" was sent */
    bool upgrade;          /* the client would go on in another protocol; it may be ignored */
    HeadField fields[HEAD_MOST_FIELDS + 1]; /* one more than there may be, for reading */
} RequestHead;

ALWAYS_INLINE const uint8_t *span_at(const uint8_t *data, Span span) {
    return data + span.at;
}

/* NULL: for `return refused(…)` in functions that return where to read on. */
static inline const uint8_t *refused(HttpProblem *problem, int status, const char *text) {
    *problem = (HttpProblem){status, text};
    return NULL;
}

#endif
