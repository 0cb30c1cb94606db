/* Where one message begins and ends in a stream, and what is around it. */
#include "frame/frame.h"

#include "frame/ttheader.h"

#define ENOUGH_TO_KNOW 6

static FrameState ttheader_find(const uint8_t *data, FrameView *view);

static bool begins_message(const uint8_t *data, size_t size, Protocol *protocol) {
    if (size >= 2 && data[0] == 0x80 && data[1] == 0x01) {
        *protocol = PROTOCOL_BINARY;
        return true;
    }
    *protocol = PROTOCOL_COMPACT;
    return size >= 2 && data[0] == 0x82 && (data[1] & 0x1f) == 0x01;
}

/* A message without a length. */
static FrameState unframed_find(const uint8_t *data, size_t size, size_t limit, MessageWalk **walk,
                                FrameView *view) {
    if (size < 2) {
        view->size = 2;
        return data[0] == 0x80 || data[0] == 0x82 ? FRAME_PARTIAL : FRAME_FOREIGN;
    }
    MessageWalk fresh, *at = *walk;
    if (at == NULL) {
        if (!begins_message(data, size, &view->protocol)) {
            return FRAME_FOREIGN;
        }
        at = &fresh;
        walk_begin(at, view->protocol);
    }
    WalkState state = walk_on(at, data, size);
    view->transport = TRANSPORT_BUFFERED;
    view->protocol = at->protocol;
    view->size = view->payload_end = at->at;
    view->payload = 0;
    if (state == WALK_MORE && view->size <= limit) {
        if (*walk == NULL && (*walk = malloc(sizeof **walk)) != NULL) {
            **walk = fresh;
        }
        return *walk == NULL ? FRAME_BROKEN : FRAME_PARTIAL;
    }
    free(*walk);
    *walk = NULL;
    if (state == WALK_BROKEN) {
        return FRAME_BROKEN;
    }
    return view->size > limit ? FRAME_LARGE : FRAME_WHOLE;
}

FrameState frame_find(const uint8_t *data, size_t size, size_t limit, MessageWalk **walk,
                      FrameView *view) {
    /* A length below 2**31 begins with a byte below 0x80; letters would be 1 GiB and more. */
    if (size > 0 && data[0] >= 0x80) {
        return unframed_find(data, size, limit, walk, view);
    }
    if (size > 0 && data[0] >= 0x40) {
        return FRAME_FOREIGN;
    }
    if (size < ENOUGH_TO_KNOW) {
        view->size = ENOUGH_TO_KNOW;
        return FRAME_PARTIAL;
    }
    view->size = LENGTH_SIZE + (size_t)load_u32(data);
    bool header = load_u16(data + LENGTH_SIZE) == TTHEADER_MAGIC;
    if (!header && !begins_message(data + LENGTH_SIZE, size - LENGTH_SIZE, &view->protocol)) {
        return FRAME_FOREIGN;
    }
    if (view->size > limit) {
        bool is_tls = data[0] == 0x16 && data[1] == 0x03 && data[5] == 0x01; /* A ClientHello. */
        return is_tls ? FRAME_FOREIGN : FRAME_LARGE;
    }
    if (view->size > size) {
        return FRAME_PARTIAL;
    }
    if (header) {
        return ttheader_find(data, view);
    }
    if (view->size < ENOUGH_TO_KNOW) {
        return FRAME_BROKEN; /* What begins a message there stands behind the frame. */
    }
    view->transport = TRANSPORT_FRAMED;
    view->payload = LENGTH_SIZE;
    view->payload_end = view->size;
    return FRAME_WHOLE;
}

static FrameState ttheader_find(const uint8_t *data, FrameView *view) {
    if (view->size < TTHEADER_FIXED + 2) {
        return FRAME_BROKEN;
    }
    view->transport = TRANSPORT_TTHEADER;
    view->flags = load_u16(data + 6);
    view->seqid = (int32_t)load_u32(data + 8);
    view->blocks_end = TTHEADER_FIXED + (size_t)load_u16(data + 12) * 4;
    view->blocks = TTHEADER_FIXED + 2;
    if (UNLIKELY((view->flags & FLAG_STREAMING) || data[TTHEADER_FIXED] == ID_STRUCT)) {
        return FRAME_FOREIGN; /* The twin refuses it in its own form. */
    }
    bool transforms = data[TTHEADER_FIXED + 1] != 0;
    if (view->blocks_end < view->blocks || view->blocks_end > view->size || transforms) {
        return FRAME_BROKEN;
    }
    view->payload = view->blocks_end;
    view->payload_end = view->size;
    const uint8_t *payload = data + view->payload;
    size_t size = view->payload_end - view->payload;
    view->inner_framed = !begins_message(payload, size, &view->protocol);
    if (view->inner_framed) {
        bool whole = size >= LENGTH_SIZE && load_u32(payload) == size - LENGTH_SIZE;
        payload += LENGTH_SIZE;
        if (!whole || !begins_message(payload, size - LENGTH_SIZE, &view->protocol)) {
            return FRAME_BROKEN;
        }
        view->payload += LENGTH_SIZE;
    }
    bool named = data[TTHEADER_FIXED] == (view->protocol == PROTOCOL_BINARY ? ID_BINARY : ID_COMPACT);
    return named ? FRAME_WHOLE : FRAME_BROKEN;
}
