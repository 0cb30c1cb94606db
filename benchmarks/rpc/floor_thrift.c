/* Thrift for the floor.

   floor [REPLY-FILE ...]

   A call whose method one of the files answers (each holds one bare message) gets that message, with
   the call's sequence id; any other call gets itself back as a reply, which for an echo of one
   string is the right answer. The reply takes the form of the request: framed or TTHeader. */
#include "floor.h"
#include "frame.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_CANNED = 8, CHUNK = 64 << 10 };

static struct message canned[MAX_CANNED];
static int canned_count;

static void load_canned(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct buffer text = {0};
    if (!file || canned_count == MAX_CANNED)
        die(path);
    text.size = LENGTH; /* A frame around it, so that it can be read like any other. */
    grow(&text, CHUNK);
    for (size_t got; (got = fread(grow(&text, CHUNK), 1, CHUNK, file)) > 0;)
        text.size += got;
    fclose(file);
    canned[canned_count] = message_of(text.data, text.size);
    if (!canned[canned_count++].data) {
        fprintf(stderr, "floor: %s holds no strict binary message\n", path);
        exit(1);
    }
}

void prepare(int count, char **arguments)
{
    for (int i = 0; i < count; i++)
        load_canned(arguments[i]);
}

static const struct message *answer_to(const struct message *call)
{
    for (int i = 0; i < canned_count; i++)
        if (canned[i].name_size == call->name_size &&
            !memcmp(canned[i].name, call->name, call->name_size))
            return &canned[i];
    return NULL;
}

long answer(const unsigned char *frame, size_t have, struct buffer *out)
{
    long whole = frame_size(frame, have);
    size_t size = (size_t)whole;
    if (whole <= 0 || size > have)
        return whole < 0 ? -1 : 0;
    struct message call = message_of(frame, size);
    if (!call.data || call.type != CALL)
        return -1;
    const struct message *found = answer_to(&call);
    const struct message *reply = found ? found : &call;
    unsigned char head[18] = {0};
    size_t head_size = LENGTH;
    if (is_ttheader(frame, size)) {
        head_size = 18; /* One word of headers: the binary protocol, no transforms, no keys. */
        head[4] = 0x10, head[13] = 1;
        memcpy(head + 8, frame + 8, 4);
    }
    write_u32(head, (uint32_t)(head_size - LENGTH + reply->size));
    add(out, head, head_size);
    add(out, reply->data, reply->size);
    unsigned char *made = out->data + out->size - reply->size;
    made[3] = REPLY;
    write_u32(made + 8 + reply->name_size, call.seqid);
    if (!found && reply->size > 15u + reply->name_size) {
        unsigned char *field = made + 12 + reply->name_size;
        field[1] = field[2] = 0; /* The value of a reply is its field 0. */
    }
    return whole;
}
