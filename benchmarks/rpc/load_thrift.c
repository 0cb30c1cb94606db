/* Thrift for the load generator: calls in files with their frame, framed or TTHeader. Every reply
   is checked: a REPLY of the method called, with its sequence id and the size of its message. */
#include "frame.h"
#include "protocol.h"

#include <stdio.h>

const int IDLE_CALLS_FIRST = 0;

const char *name_kind(struct kind *kind)
{
    struct message call = message_of(kind->request, kind->request_size);
    if (frame_size(kind->request, kind->request_size) != (long)kind->request_size || !call.data)
        return "is not one call, framed or in a TTHeader frame";
    snprintf(kind->name, sizeof kind->name, "%.*s", (int)call.name_size, (const char *)call.name);
    return NULL;
}

long find_reply_end(struct connection *peer)
{
    return frame_size(peer->in, peer->got);
}

void check_reply(const struct connection *peer)
{
    struct message reply = message_of(peer->in, peer->got);
    const struct message call = message_of(peer->kind->request, peer->kind->request_size);
    if (!reply.data)
        note_error("a reply of %zu bytes is no message", peer->got);
    else if (reply.type != REPLY)
        note_error("a reply of type %d: %.*s", reply.type, 120,
                   reply.size > 19 + reply.name_size ? (char *)reply.data + 19 + reply.name_size : "");
    else if (reply.seqid != call.seqid || reply.name_size != call.name_size ||
             memcmp(reply.name, call.name, call.name_size))
        note_error("the reply is to another call");
    else if (peer->kind->reply_size && reply.size != peer->kind->reply_size)
        note_error("a reply of %zu bytes, %zu are right", reply.size, peer->kind->reply_size);
}
