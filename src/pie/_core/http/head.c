/* The head of a request, line by line. */
#include "http/head.h"

#include "http/framing.h"
#include "http/names.h"
#include "http/octets.h"
#include "http/request_line.h"

#define TLS_HANDSHAKE 0x16

/* How the lines are walked over, from one of them on. */
typedef struct {
    const uint8_t *data, *end; /* what may be read: no more than a head's limit */
    const uint8_t *line;       /* the next line */
    bool first;                /* it is the request line */
} Walk;

/* A field's line; where the one after it begins, or NULL with the problem. */
static const uint8_t *field_read(const uint8_t *data, const uint8_t *at, const uint8_t *end,
                                 HeadField *field, HttpProblem *problem) {
    const uint8_t *name = at;
    while (at < end && octet_is(*at, OCTET_TOKEN)) {
        at++;
    }
    if (UNLIKELY(at == end || *at != ':' || at == name)) {
        bool space = at < end && (*at == ' ' || *at == '\t');
        return refused(problem, 400,
                       !space       ? "a line is no field: a name, a colon, a value"
                       : at == name ? "a field's line is folded, or the first one begins with space"
                                    : "there is a space before a field's colon");
    }
    field->name = (Span){(uint32_t)(name - data), (uint32_t)(at - name)};
    field->known = names_find(name, field->name.size);
    do {
        at++;
    } while (at < end && (*at == ' ' || *at == '\t'));
    const uint8_t *value = at;
    at = value_end(at, end);
    if (UNLIKELY(end - at < 2 || at[0] != '\r' || at[1] != '\n')) {
        return refused(problem, 400, "a field's value holds a control character");
    }
    const uint8_t *last = at;
    while (last > value && (last[-1] == ' ' || last[-1] == '\t')) {
        last--;
    }
    field->value = (Span){(uint32_t)(value - data), (uint32_t)(last - value)};
    return at + 2;
}

/* What may be read of the present line. */
static const uint8_t *line_limit(const Walk *walk, const HeadLimits *limits) {
    size_t most = limits->line + 2; /* With CRLF. */
    bool is_long = walk->first && (size_t)(walk->end - walk->line) > most;
    return is_long ? walk->line + most : walk->end;
}

/* Reads lines to the empty one. False at a line that cannot be read, whole or not. */
static bool walk_on(Walk *walk, const HeadLimits *limits, RequestHead *head, HttpProblem *problem) {
    const uint8_t *next;
    if (walk->first) {
        next = request_line_read(walk->data, walk->line, line_limit(walk, limits), head, problem);
        if (UNLIKELY(next == NULL)) {
            return false;
        }
        walk->line = next;
        walk->first = false;
    }
    while (walk->end - walk->line < 2 || walk->line[0] != '\r' || walk->line[1] != '\n') {
        HeadField *field = &head->fields[head->count];
        next = field_read(walk->data, walk->line, walk->end, field, problem);
        if (UNLIKELY(next == NULL)) {
            return false;
        }
        if (UNLIKELY(head->count >= limits->fields || head->count >= HEAD_MOST_FIELDS)) {
            *problem = (HttpProblem){431, "the head has too many fields"};
            return false;
        }
        head->count++;
        walk->line = next;
    }
    head->size = (uint32_t)(walk->line + 2 - walk->data);
    return true;
}

/* No line was ended by what came: more is awaited, up to the limits. */
static HeadState waiting(const Walk *walk, size_t size, const HeadLimits *limits, HeadScan *scan,
                         const RequestHead *head, HttpProblem *problem) {
    size_t line = (size_t)(walk->line - walk->data);
    if (walk->first && size - line >= limits->line + 2) {
        *problem = (HttpProblem){414, "the request line is too long"};
        return HEAD_BAD;
    }
    if (size > limits->head) {
        *problem = (HttpProblem){431, "the head is too long"};
        return HEAD_BAD;
    }
    *scan = (HeadScan){(uint32_t)size, (uint32_t)line, head->count};
    return HEAD_PARTIAL;
}

/* The walk stopped at a line: it is refused if it is whole. */
static HeadState stopped(const Walk *walk, size_t size, const HeadLimits *limits, HeadScan *scan,
                         const RequestHead *head, HttpProblem *problem) {
    const uint8_t *newline = memchr(walk->line, '\n', (size_t)(line_limit(walk, limits) - walk->line));
    if (newline == NULL) {
        return waiting(walk, size, limits, scan, head, problem);
    }
    if (newline == walk->line || newline[-1] != '\r') {
        *problem = (HttpProblem){400, "a line ends with LF alone"};
    }
    return HEAD_BAD;
}

/* What the first bytes tell, however few they are. */
static bool begins_request(const uint8_t *data, size_t size, HttpProblem *problem) {
    if (data[0] == TLS_HANDSHAKE) {
        *problem = (HttpProblem){400, "these are bytes of TLS: this port serves plain HTTP"};
        return false;
    }
    if (size >= 4 && memcmp(data, "PRI ", 4) == 0) {
        *problem = (HttpProblem){505, "HTTP/2 is not served here: only HTTP/1.1 and HTTP/1.0 are"};
        return false;
    }
    if (!octet_is(data[0], OCTET_TOKEN)) {
        *problem = (HttpProblem){400, "these bytes begin no HTTP request"};
        return false;
    }
    return true;
}

/* Reads on where the last part ended. */
static HeadState resume(Walk walk, size_t size, const HeadLimits *limits, HeadScan *scan,
                        RequestHead *head, HttpProblem *problem) {
    walk.first = walk.data + scan->line == walk.line;
    walk.line = walk.data + scan->line;
    head->count = (uint16_t)scan->fields;
    const uint8_t *fresh = walk.data + scan->scanned;
    if (memchr(fresh, '\n', (size_t)(walk.end - fresh)) == NULL) {
        return waiting(&walk, size, limits, scan, head, problem);
    }
    if (!walk_on(&walk, limits, head, problem)) {
        return stopped(&walk, size, limits, scan, head, problem);
    }
    return HEAD_WHOLE;
}

HeadState head_read(const uint8_t *data, size_t size, const HeadLimits *limits, HeadScan *scan,
                    RequestHead *head, HttpProblem *problem) {
    /* One empty line before a request is passed over (RFC 9112, 2.2). */
    size_t front = size >= 2 && data[0] == '\r' && data[1] == '\n' ? 2 : 0;
    if (size == front || (size == 1 && data[0] == '\r')) {
        return HEAD_PARTIAL;
    }
    if (UNLIKELY(!begins_request(data + front, size - front, problem))) {
        return HEAD_BAD;
    }
    const uint8_t *end = data + (size < limits->head ? size : limits->head);
    Walk walk = {data, end, data + front, true};
    if (scan->scanned != 0) {
        HeadState state = resume(walk, size, limits, scan, head, problem);
        if (state != HEAD_WHOLE) {
            return state;
        } /* All of it is there, and is read again: `head` was of another connection meanwhile. */
    }
    head->count = 0;
    if (UNLIKELY(!walk_on(&walk, limits, head, problem))) {
        return stopped(&walk, size, limits, scan, head, problem);
    }
    *scan = (HeadScan){0};
    return framing_read(data, head, problem) ? HEAD_WHOLE : HEAD_BAD;
}
