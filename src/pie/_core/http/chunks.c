/* A chunked body (RFC 9112, 7.1): octet by octet where it is framing, in one piece where it is data. */
#include "http/chunks.h"

#include "http/octets.h"

#define MOST_DIGITS 16   /* of a chunk's size, leading zeros counted */
#define MOST_LINE 1024   /* octets of extensions of one chunk */
#define MOST_EXTRA 16384 /* octets of all extensions, beyond those of data so far */
#define MOST_TRAILERS 8192 /* octets of the lines behind the last chunk */

enum {
    SIZE,
    DIGITS, /* behind the first one */
    EXTENSION, /* the beginning of its name */
    EXTENSION_NAME,
    EXTENSION_VALUE, /* the beginning of its value */
    EXTENSION_WORD,
    QUOTED,
    ESCAPED,
    QUOTED_END,
    NAME_GAP, /* space behind a name */
    GAP,      /* space behind a size, or a whole extension: another one must follow */
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER, /* the beginning of its line */
    NAME,
    VALUE,
    VALUE_LF,
    LAST_LF,
    ENDED
};

/* Sets the step, for functions that return why an octet is refused. */
static const char *go(Chunks *chunks, int step) {
    chunks->step = (uint8_t)step;
    return NULL;
}

static bool is_space(uint8_t octet) {
    return octet == ' ' || octet == '\t';
}

/* Behind a size, or a whole extension. */
static const char *size_end(Chunks *chunks, uint8_t octet, const char *otherwise) {
    if (octet == '\r') {
        return go(chunks, SIZE_LF);
    }
    if (is_space(octet)) {
        return go(chunks, GAP);
    }
    return octet == ';' ? go(chunks, EXTENSION) : otherwise;
}

static const char *size_octet(Chunks *chunks, uint8_t octet) {
    static const char *const no_size = "a chunk does not begin with its size, in hex digits alone";
    if (chunks->step == SIZE) {
        chunks->left = chunks->line = 0;
    }
    if (octet_is(octet, OCTET_HEX)) {
        if (++chunks->line > MOST_DIGITS) {
            return "the size of a chunk has too many digits";
        }
        chunks->left = chunks->left << 4 | hex_value(octet);
        return go(chunks, DIGITS);
    }
    return chunks->step == SIZE ? no_size : size_end(chunks, octet, no_size);
}

/* ";", a name, and perhaps "=" with a word or a quoted text. Space may be between them, but not at the end. */
static const char *extension_octet(Chunks *chunks, uint8_t octet) {
    static const char *const damaged = "the extension of a chunk is damaged";
    if (++chunks->line > MOST_DIGITS + MOST_LINE || ++chunks->extra > MOST_EXTRA) {
        return "the extensions of chunks are too long";
    }
    bool token = octet_is(octet, OCTET_TOKEN), space = is_space(octet);
    switch (chunks->step) {
    case EXTENSION:
        return token ? go(chunks, EXTENSION_NAME) : space ? NULL : damaged;
    case EXTENSION_NAME:
        if (token || octet == '=') {
            return go(chunks, token ? EXTENSION_NAME : EXTENSION_VALUE);
        }
        return space ? go(chunks, NAME_GAP) : size_end(chunks, octet, damaged);
    case NAME_GAP:
        if (octet == '=' || octet == ';') {
            return go(chunks, octet == '=' ? EXTENSION_VALUE : EXTENSION);
        }
        return space ? NULL : damaged;
    case GAP:
        return octet == ';' ? go(chunks, EXTENSION) : space ? NULL : damaged;
    case EXTENSION_VALUE:
        if (token || octet == '"') {
            return go(chunks, token ? EXTENSION_WORD : QUOTED);
        }
        return space ? NULL : damaged;
    case EXTENSION_WORD:
        return token ? NULL : size_end(chunks, octet, damaged);
    case QUOTED:
        if (octet == '"' || octet == '\\') {
            return go(chunks, octet == '"' ? QUOTED_END : ESCAPED);
        }
        return octet_is(octet, OCTET_VALUE) ? NULL : damaged;
    case ESCAPED:
        return octet_is(octet, OCTET_VALUE) ? go(chunks, QUOTED) : damaged;
    default: /* QUOTED_END */
        return size_end(chunks, octet, damaged);
    }
}

/* An octet of the lines behind the last chunk. */
static const char *trailer_octet(Chunks *chunks, uint8_t octet) {
    if (++chunks->extra > MOST_TRAILERS) {
        return "the trailers are too long";
    }
    switch (chunks->step) {
    case TRAILER:
        if (octet == '\r') {
            return go(chunks, LAST_LF);
        }
        return octet_is(octet, OCTET_TOKEN) ? go(chunks, NAME) : "a trailer is no field";
    case NAME:
        if (octet_is(octet, OCTET_TOKEN)) {
            return NULL;
        }
        return octet == ':' ? go(chunks, VALUE) : "a trailer is no field";
    default: /* VALUE */
        if (octet == '\r') {
            return go(chunks, VALUE_LF);
        }
        return octet_is(octet, OCTET_VALUE) ? NULL : "a trailer holds a control character";
    }
}

/* A CR or LF that must be there. */
static const char *end_octet(Chunks *chunks, uint8_t octet) {
    static const uint8_t next[] = {
        [DATA_CR] = DATA_LF, [DATA_LF] = SIZE, [VALUE_LF] = TRAILER, [LAST_LF] = ENDED};
    if (octet != (chunks->step == DATA_CR ? '\r' : '\n')) {
        return chunks->step == DATA_CR || chunks->step == DATA_LF
                   ? "a chunk is not as long as its size says"
                   : "a line of a chunked body does not end with CRLF";
    }
    if (chunks->step != SIZE_LF) {
        return go(chunks, next[chunks->step]);
    }
    if (chunks->left == 0) {
        chunks->extra = 0; /* From here on it counts trailers. */
        return go(chunks, TRAILER);
    }
    return go(chunks, DATA);
}

static const char *framing_octet(Chunks *chunks, uint8_t octet) {
    switch (chunks->step) {
    case SIZE:
    case DIGITS:
        return size_octet(chunks, octet);
    case EXTENSION:
    case EXTENSION_NAME:
    case EXTENSION_VALUE:
    case EXTENSION_WORD:
    case QUOTED:
    case ESCAPED:
    case QUOTED_END:
    case NAME_GAP:
    case GAP:
        return extension_octet(chunks, octet);
    case TRAILER:
    case NAME:
    case VALUE:
        return trailer_octet(chunks, octet);
    default:
        return end_octet(chunks, octet);
    }
}

static ChunkState bad(HttpProblem *problem, int status, const char *text) {
    *problem = (HttpProblem){status, text};
    return CHUNKS_BAD;
}

/* Takes data of the present chunk; how much, or 0 if there is no memory. */
static size_t data_add(Chunks *chunks, const uint8_t *in, size_t size, Buffer *out) {
    size_t part = size < chunks->left ? size : (size_t)chunks->left;
    if (buffer_add(out, in, part) < 0) {
        return 0;
    }
    chunks->left -= part;
    chunks->total += part;
    chunks->extra -= part < chunks->extra ? (uint32_t)part : chunks->extra;
    if (chunks->left == 0) {
        chunks->step = DATA_CR;
    }
    return part;
}

ChunkState chunks_read(Chunks *chunks, const uint8_t *in, size_t size, size_t *taken, Buffer *out,
                       uint64_t most, HttpProblem *problem) {
    size_t at = 0;
    while (at < size && chunks->step != ENDED) {
        if (chunks->step == DATA) {
            size_t part = data_add(chunks, in + at, size - at, out);
            if (part == 0) {
                return bad(problem, 503, "there is no memory for the body");
            }
            at += part;
            continue;
        }
        const char *text = framing_octet(chunks, in[at++]);
        if (UNLIKELY(text != NULL)) {
            return bad(problem, 400, text);
        }
        if (chunks->step == DATA && chunks->left > most - chunks->total) {
            return bad(problem, 413, "the body is larger than this server takes");
        }
    }
    *taken = at;
    return chunks->step == ENDED ? CHUNKS_DONE : CHUNKS_MORE;
}
