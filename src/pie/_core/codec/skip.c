/* Passing over unknown fields. Twins: pie/thrift/codec/{,binary_,compact_}skip.py.
 *
 * As in the twins, the position may pass the end; the error is raised when a size or a head would be
 * read there, or at last. So the position is a number. Calls nest as deep as the value.
 */
#include "codec/skip.h"

#include "codec/error.h"
#include "codec/read.h"

typedef struct {
    Source *source;
    size_t at, size; /* From the beginning of the source. */
    int max_depth;
} Walk;

enum { BINARY_STRING = 11, BINARY_STRUCT, BINARY_MAP, BINARY_SET, BINARY_LIST };
enum { COMPACT_I16 = 4, COMPACT_I32, COMPACT_I64, COMPACT_BINARY = 8 };
enum { COMPACT_LIST = 9, COMPACT_SET, COMPACT_MAP, COMPACT_STRUCT };

/* Bytes of the values that always take the same, by protocol and code. */
static const uint8_t FIXED[2][17] = {
    {[2] = 1, [3] = 1, [4] = 8, [6] = 2, [8] = 4, [10] = 8, [16] = 16},
    {[1] = 1, [2] = 1, [3] = 1, [7] = 8, [13] = 16},
};

static int value_skip(Walk *walk, Protocol protocol, int code, int depth);

static inline int fixed_size(Protocol protocol, int code) {
    return code < (int)sizeof FIXED[0] ? FIXED[protocol][code] : 0;
}

static void advance(Walk *walk, Varint bytes) {
    Varint most = SIZE_MAX / 2; /* Behind every end, and further is as good. */
    walk->at = bytes > most - walk->at ? (size_t)most : walk->at + (size_t)bytes;
}

static int no_such_type(int code, size_t at) {
    codec_error("type code %d at byte %zu does not exist", code, at);
    return -1;
}

/* Opening one more level below `depth` others. */
static int open_level(const Walk *walk, int depth) {
    if (depth >= walk->max_depth) {
        codec_error("nested deeper than %d levels", walk->max_depth);
        return -1;
    }
    return 0;
}

static int varint_skip(Walk *walk, Varint *number) {
    if (walk->at >= walk->size) {
        return read_end();
    }
    walk->source->at = walk->source->begin + walk->at;
    if (read_varint(walk->source, number) < 0) {
        return -1;
    }
    walk->at = (size_t)(walk->source->at - walk->source->begin);
    return 0;
}

/* Elements of one code, or entries of two. */
static int elements_skip(Walk *walk, Protocol protocol, const int *codes, int each, Varint count,
                         int depth) {
    int sizes[2] = {fixed_size(protocol, codes[0]), fixed_size(protocol, codes[each - 1])};
    if (sizes[0] && sizes[1]) {
        advance(walk, count * (Varint)(each == 2 ? sizes[0] + sizes[1] : sizes[0]));
        return 0;
    }
    if (count == 0) {
        return 0;
    }
    if (open_level(walk, depth) < 0) {
        return -1;
    }
    for (Varint i = 0; i < count; i++) {
        for (int part = 0; part < each; part++) {
            if (value_skip(walk, protocol, codes[part], depth + 1) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

static int binary_size(const Walk *walk, size_t at, Varint *size) {
    int32_t declared = (int32_t)load_u32(walk->source->begin + at);
    if (declared < 0) {
        codec_error("negative size %d at byte %zu", declared, at);
        return -1;
    }
    *size = (Varint)declared;
    return 0;
}

static int binary_struct(Walk *walk, int depth) {
    for (;;) {
        if (walk->at >= walk->size) {
            return read_end();
        }
        int code = walk->source->begin[walk->at];
        if (code == 0) {
            walk->at++;
            return 0;
        }
        walk->at += 3;
        if (value_skip(walk, PROTOCOL_BINARY, code, depth) < 0) {
            return -1;
        }
    }
}

static int binary_enter(Walk *walk, int code, int depth) {
    static const uint8_t heads[] = {
        [BINARY_STRING] = 4, [BINARY_MAP] = 6, [BINARY_SET] = 5, [BINARY_LIST] = 5,
    };
    if (code < BINARY_STRING || code > BINARY_LIST) {
        return no_such_type(code, walk->at);
    }
    size_t at = walk->at;
    if (at > walk->size || walk->size - at < heads[code]) {
        return read_end();
    }
    walk->at += heads[code];
    const uint8_t *bytes = walk->source->begin + at;
    Varint size;
    if (code == BINARY_STRUCT) {
        return open_level(walk, depth) < 0 ? -1 : binary_struct(walk, depth + 1);
    }
    if (code == BINARY_STRING) {
        if (binary_size(walk, at, &size) < 0) {
            return -1;
        }
        advance(walk, size);
        return 0;
    }
    int each = code == BINARY_MAP ? 2 : 1;
    int codes[2] = {bytes[0], bytes[each - 1]};
    if (binary_size(walk, at + (size_t)each, &size) < 0) {
        return -1;
    }
    return elements_skip(walk, PROTOCOL_BINARY, codes, each, size, depth);
}

static int compact_struct(Walk *walk, int depth) {
    for (;;) {
        if (walk->at >= walk->size) {
            return read_end();
        }
        int head = walk->source->begin[walk->at++];
        if (head == 0) {
            return 0;
        }
        Varint id;
        if (!(head >> 4) && varint_skip(walk, &id) < 0) {
            return -1;
        }
        int code = head & NIBBLE;
        if (code == COMPACT_TRUE || code == COMPACT_FALSE) {
            continue; /* Its value was in the head. */
        }
        if (value_skip(walk, PROTOCOL_COMPACT, code, depth) < 0) {
            return -1;
        }
    }
}

static int compact_list(Walk *walk, int depth) {
    if (walk->at >= walk->size) {
        return read_end();
    }
    int head = walk->source->begin[walk->at++];
    int codes[1] = {head & NIBBLE};
    Varint count = (Varint)(head >> 4);
    if (count == NIBBLE && varint_skip(walk, &count) < 0) {
        return -1;
    }
    return elements_skip(walk, PROTOCOL_COMPACT, codes, 1, count, depth);
}

static int compact_map(Walk *walk, Varint count, int depth) {
    if (count == 0) {
        return 0;
    }
    if (walk->at >= walk->size) {
        return read_end();
    }
    int head = walk->source->begin[walk->at++];
    int codes[2] = {head >> 4, head & NIBBLE};
    return elements_skip(walk, PROTOCOL_COMPACT, codes, 2, count, depth);
}

static int compact_enter(Walk *walk, int code, int depth) {
    Varint number;
    switch (code) {
    case COMPACT_STRUCT:
        return open_level(walk, depth) < 0 ? -1 : compact_struct(walk, depth + 1);
    case COMPACT_LIST:
    case COMPACT_SET:
        return compact_list(walk, depth);
    case COMPACT_I16:
    case COMPACT_I32:
    case COMPACT_I64:
        return varint_skip(walk, &number);
    case COMPACT_BINARY:
        if (varint_skip(walk, &number) < 0) {
            return -1;
        }
        advance(walk, number);
        return 0;
    case COMPACT_MAP:
        return varint_skip(walk, &number) < 0 ? -1 : compact_map(walk, number, depth);
    default:
        return no_such_type(code, walk->at);
    }
}

/* One value, within `depth` others that are being passed over. */
static int value_skip(Walk *walk, Protocol protocol, int code, int depth) {
    int size = fixed_size(protocol, code);
    if (size) {
        advance(walk, (Varint)size);
        return 0;
    }
    return protocol == PROTOCOL_BINARY ? binary_enter(walk, code, depth)
                                       : compact_enter(walk, code, depth);
}

int skip_field(Source *source, Protocol protocol, int code, int depth) {
    if (protocol == PROTOCOL_COMPACT && (code == COMPACT_TRUE || code == COMPACT_FALSE)) {
        return 0; /* Its value was in the head. */
    }
    Walk walk = {source, (size_t)(source->at - source->begin),
                 (size_t)(source->end - source->begin), depth};
    if (value_skip(&walk, protocol, code, 0) < 0) {
        return -1;
    }
    if (walk.at > walk.size) {
        return read_end();
    }
    source->at = source->begin + walk.at;
    return 0;
}
