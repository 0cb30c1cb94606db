/* Where a message without a length ends. */
#include "frame/unframed.h"

#define OPEN_STRUCT UINT64_MAX
#define MAX_NAME 1024
#define FAR_BEHIND (SIZE_MAX / 4) /* no message is so long */
#define MAX_VARINT 10

/* Kinds of values, independent of their code in a protocol. */
typedef enum { NO_TYPE, FIXED, TEXT, STRUCT, LIST, MAP } Kind;

typedef struct {
    uint8_t kind, size; /* size: of a FIXED */
} Type;

static const Type TYPES[2][17] = {
    /* Binary. */
    {[2] = {FIXED, 1},
     [3] = {FIXED, 1},
     [4] = {FIXED, 8},
     [6] = {FIXED, 2},
     [8] = {FIXED, 4},
     [10] = {FIXED, 8},
     [11] = {TEXT},
     [12] = {STRUCT},
     [13] = {MAP},
     [14] = {LIST},
     [15] = {LIST},
     [16] = {FIXED, 16}},
    /* Compact; its integers are texts of a kind, see `step_varint`. */
    {[1] = {FIXED, 1},
     [2] = {FIXED, 1},
     [3] = {FIXED, 1},
     [4] = {FIXED, 0},
     [5] = {FIXED, 0},
     [6] = {FIXED, 0},
     [7] = {FIXED, 8},
     [8] = {TEXT},
     [9] = {LIST},
     [10] = {LIST},
     [11] = {MAP},
     [12] = {STRUCT},
     [13] = {FIXED, 16}},
};

/* The bytes received so far. */
typedef struct {
    MessageWalk *walk;
    const uint8_t *data;
    size_t size;
} Walk;

void walk_begin(MessageWalk *walk, Protocol protocol) {
    walk->protocol = protocol;
    walk->begun = false;
    walk->at = 0;
    walk->depth = 0;
}

static const Type *type_of(const Walk *walk, uint8_t code) {
    static const Type none = {NO_TYPE, 0};
    return code < sizeof TYPES[0] / sizeof(Type) ? &TYPES[walk->walk->protocol][code] : &none;
}

static bool have(const Walk *walk, size_t at, size_t bytes) {
    return at <= walk->size && walk->size - at >= bytes;
}

static size_t beyond(size_t at, uint64_t bytes) {
    return bytes > FAR_BEHIND ? FAR_BEHIND : at + (size_t)bytes;
}

/* Reads a varint at `*at` and passes over it. */
static WalkState read_varint_at(const Walk *walk, size_t *at, uint64_t *number) {
    *number = 0;
    for (int i = 0; i < MAX_VARINT; i++) {
        if (!have(walk, *at, 1)) {
            return WALK_MORE;
        }
        uint8_t byte = walk->data[(*at)++];
        *number |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (!(byte & 0x80)) {
            return WALK_DONE;
        }
    }
    return WALK_BROKEN;
}

/* A size, as the protocol encodes it. */
static WalkState read_size_at(const Walk *walk, size_t *at, uint64_t *size) {
    if (walk->walk->protocol == PROTOCOL_COMPACT) {
        WalkState state = read_varint_at(walk, at, size);
        return state == WALK_DONE && *size > INT32_MAX ? WALK_BROKEN : state;
    }
    if (!have(walk, *at, 4)) {
        return WALK_MORE;
    }
    *size = load_u32(walk->data + *at);
    *at += 4;
    return *size > INT32_MAX ? WALK_BROKEN : WALK_DONE;
}

static WalkState open_level(Walk *walk, uint8_t code, uint8_t other, uint64_t left) {
    MessageWalk *state = walk->walk;
    if (state->depth >= DEFAULT_MAX_DEPTH) {
        return WALK_BROKEN;
    }
    state->levels[state->depth++] = (WalkLevel){code, other, left};
    return WALK_DONE;
}

/* --- Each step either goes on from `at`, or leaves it where it is and needs more bytes. --- */

static WalkState step_head(Walk *walk) {
    MessageWalk *state = walk->walk;
    size_t at = 2;
    uint64_t number = 0, name;
    WalkState read = WALK_DONE;
    if (state->protocol == PROTOCOL_BINARY) {
        at = 4;
    } else {
        read = read_varint_at(walk, &at, &number); /* The sequence id. */
    }
    if (read == WALK_DONE) {
        read = read_size_at(walk, &at, &name);
    }
    if (read != WALK_DONE) {
        return read;
    }
    if (name > MAX_NAME) {
        return WALK_BROKEN;
    }
    state->at = at + (size_t)name + (state->protocol == PROTOCOL_BINARY ? 4 : 0);
    state->begun = true;
    return open_level(walk, 0, 0, OPEN_STRUCT);
}

/* Several values of fixed size are one step; others are entered. */
static WalkState enter_container(Walk *walk, size_t at, uint8_t code, uint8_t other, bool pairs,
                                 uint64_t count) {
    const Type *first = type_of(walk, code), *second = type_of(walk, other);
    if (count > 0 && (first->kind == NO_TYPE || second->kind == NO_TYPE)) {
        return WALK_BROKEN;
    }
    bool fixed = first->kind == FIXED && first->size && second->kind == FIXED && second->size;
    if (count == 0) {
        walk->walk->at = at;
        return WALK_DONE;
    }
    if (fixed) {
        walk->walk->at = beyond(at, count * (first->size + (pairs ? second->size : 0u)));
        return WALK_DONE;
    }
    walk->walk->at = at;
    return open_level(walk, code, other, pairs ? 2 * count : count);
}

static WalkState step_list(Walk *walk) {
    size_t at = walk->walk->at;
    uint64_t count;
    if (!have(walk, at, 1)) {
        return WALK_MORE;
    }
    uint8_t head = walk->data[at++], code = head;
    WalkState read = WALK_DONE;
    if (walk->walk->protocol == PROTOCOL_COMPACT) {
        code = head & 0x0f;
        count = head >> 4;
        if (count == 15) {
            read = read_size_at(walk, &at, &count);
        }
    } else {
        read = read_size_at(walk, &at, &count);
    }
    return read == WALK_DONE ? enter_container(walk, at, code, code, false, count) : read;
}

static WalkState step_map(Walk *walk) {
    size_t at = walk->walk->at;
    uint64_t count = 0;
    uint8_t key = 0, value = 0;
    bool compact = walk->walk->protocol == PROTOCOL_COMPACT;
    if (!compact) {
        if (!have(walk, at, 2)) {
            return WALK_MORE;
        }
        key = walk->data[at++];
        value = walk->data[at++];
    }
    WalkState read = read_size_at(walk, &at, &count);
    if (read != WALK_DONE) {
        return read;
    }
    if (compact && count > 0) {
        if (!have(walk, at, 1)) {
            return WALK_MORE;
        }
        key = walk->data[at] >> 4;
        value = walk->data[at++] & 0x0f;
    }
    return enter_container(walk, at, key, value, true, count);
}

static WalkState step_value(Walk *walk, uint8_t code) {
    MessageWalk *state = walk->walk;
    const Type *type = type_of(walk, code);
    size_t at = state->at;
    uint64_t number;
    WalkState read;
    switch (type->kind) {
    case FIXED:
        if (type->size > 0) {
            state->at = at + type->size;
            return WALK_DONE;
        }
        read = read_varint_at(walk, &at, &number);
        if (read == WALK_DONE) {
            state->at = at;
        }
        return read;
    case TEXT:
        read = read_size_at(walk, &at, &number);
        if (read == WALK_DONE) {
            state->at = beyond(at, number);
        }
        return read;
    case STRUCT:
        return open_level(walk, 0, 0, OPEN_STRUCT);
    case LIST:
        return step_list(walk);
    case MAP:
        return step_map(walk);
    default:
        return WALK_BROKEN;
    }
}

/* Passes over a field's head: its code, 0 at the struct's end. */
static WalkState read_field_head(const Walk *walk, size_t *at, uint8_t *code) {
    if (!have(walk, *at, 1)) {
        return WALK_MORE;
    }
    uint8_t head = walk->data[(*at)++];
    if (head == 0) {
        *code = 0;
        return WALK_DONE;
    }
    if (walk->walk->protocol == PROTOCOL_BINARY) {
        *code = head;
        *at += 2;
        return *at <= walk->size ? WALK_DONE : WALK_MORE;
    }
    *code = head & 0x0f;
    uint64_t number;
    if (*code == 0) {
        return WALK_BROKEN;
    }
    return head >> 4 ? WALK_DONE : read_varint_at(walk, at, &number);
}

static WalkState step_field(Walk *walk) {
    MessageWalk *state = walk->walk;
    size_t before = state->at, at = before;
    uint8_t code;
    WalkState read = read_field_head(walk, &at, &code);
    if (read != WALK_DONE) {
        return read;
    }
    state->at = at;
    if (code == 0) {
        state->depth--;
        return WALK_DONE;
    }
    if (state->protocol == PROTOCOL_COMPACT && code <= 2) {
        return WALK_DONE; /* The head of a bool field is its value, too. */
    }
    read = step_value(walk, code);
    if (read == WALK_MORE) {
        state->at = before; /* The head is read again when the value is there. */
    }
    return read;
}

static WalkState step_element(Walk *walk) {
    MessageWalk *state = walk->walk;
    WalkLevel *top = &state->levels[state->depth - 1];
    if (top->left == 0) {
        state->depth--;
        return WALK_DONE;
    }
    uint8_t code = top->code;
    top->left--; /* Before a level is opened above it. */
    top->code = top->other;
    top->other = code;
    WalkState read = step_value(walk, code);
    if (read == WALK_MORE) {
        top->left++;
        top->other = top->code;
        top->code = code;
    }
    return read;
}

WalkState walk_on(MessageWalk *state, const uint8_t *data, size_t size) {
    Walk walk = {state, data, size};
    WalkState read = state->begun ? WALK_DONE : step_head(&walk);
    while (read == WALK_DONE && state->depth > 0) {
        bool in_struct = state->levels[state->depth - 1].left == OPEN_STRUCT;
        read = in_struct ? step_field(&walk) : step_element(&walk);
    }
    if (read == WALK_DONE && state->at > size) {
        return WALK_MORE;
    }
    return read;
}
