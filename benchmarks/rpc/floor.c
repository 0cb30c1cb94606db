/* The floor: what a Thrift server costs without any Python. One thread, one epoll loop.

   floor [REPLY-FILE ...]

   Listens on a free port of 127.0.0.1 and prints "ready PORT". A call whose method one of the
   files answers (each holds one bare message) gets that message, with the call's sequence id; any
   other call gets itself back as a reply, which for an echo of one string is the right answer. The
   reply takes the form of the request: framed or TTHeader. */
#define _GNU_SOURCE
#include "frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_CANNED = 8, MAX_EVENTS = 256, CHUNK = 64 << 10 };

struct buffer {
    unsigned char *data;
    size_t size, room;
};

struct connection {
    int fd;
    int waits_to_write;
    struct buffer in, out;
};

static struct message canned[MAX_CANNED];
static int canned_count;
static int poller;

static void die(const char *what)
{
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

static unsigned char *grow(struct buffer *buffer, size_t more)
{
    if (buffer->size + more > buffer->room) {
        buffer->room = 2 * (buffer->size + more);
        buffer->data = realloc(buffer->data, buffer->room);
        if (!buffer->data)
            die("memory");
    }
    return buffer->data + buffer->size;
}

static void add(struct buffer *buffer, const void *data, size_t size)
{
    memcpy(grow(buffer, size), data, size);
    buffer->size += size;
}

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

static const struct message *answer_to(const struct message *call)
{
    for (int i = 0; i < canned_count; i++)
        if (canned[i].name_size == call->name_size &&
            !memcmp(canned[i].name, call->name, call->name_size))
            return &canned[i];
    return NULL;
}

/* Add the reply to one whole frame to what is to be sent; 0 when it is not a call. */
static int answer(struct connection *peer, const unsigned char *frame, size_t size)
{
    struct message call = message_of(frame, size);
    if (!call.data || call.type != CALL)
        return 0;
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
    add(&peer->out, head, head_size);
    add(&peer->out, reply->data, reply->size);
    unsigned char *made = peer->out.data + peer->out.size - reply->size;
    made[3] = REPLY;
    write_u32(made + 8 + reply->name_size, call.seqid);
    if (!found && reply->size > 15u + reply->name_size) {
        unsigned char *field = made + 12 + reply->name_size;
        field[1] = field[2] = 0; /* The value of a reply is its field 0. */
    }
    return 1;
}

static void drop(struct connection *peer)
{
    close(peer->fd);
    free(peer->in.data);
    free(peer->out.data);
    free(peer);
}

static void watch(struct connection *peer, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = peer};
    if (epoll_ctl(poller, operation, peer->fd, &event))
        die("epoll_ctl");
}

/* Send what can be sent now; 0 when the peer is gone. */
static int flush(struct connection *peer)
{
    size_t done = 0;
    while (done < peer->out.size) {
        ssize_t sent = send(peer->fd, peer->out.data + done, peer->out.size - done, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno != EAGAIN)
            return 0;
        if (sent < 0)
            break;
        done += (size_t)sent;
    }
    memmove(peer->out.data, peer->out.data + done, peer->out.size - done);
    peer->out.size -= done;
    int waits = peer->out.size > 0;
    if (waits != peer->waits_to_write)
        watch(peer, EPOLL_CTL_MOD, waits ? EPOLLIN | EPOLLOUT : EPOLLIN);
    peer->waits_to_write = waits;
    return 1;
}

/* Read once and answer every whole frame; 0 when the peer is gone. */
static int serve(struct connection *peer)
{
    struct buffer *in = &peer->in;
    ssize_t got = recv(peer->fd, grow(in, CHUNK), CHUNK, 0);
    if (got <= 0)
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    in->size += (size_t)got;
    size_t done = 0;
    for (;;) {
        long size = frame_size(in->data + done, in->size - done);
        if (size < 0)
            return 0;
        if (size == 0 || (size_t)size > in->size - done)
            break;
        if (!answer(peer, in->data + done, (size_t)size))
            return 0;
        done += (size_t)size;
    }
    memmove(in->data, in->data + done, in->size - done);
    in->size -= done;
    return 1;
}

static int listen_on_free_port(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) || listen(fd, 4096) ||
        getsockname(fd, (struct sockaddr *)&address, &size))
        die("listen");
    printf("ready %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void accept_all(int listener)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
        if (fd < 0)
            return;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct connection *peer = calloc(1, sizeof *peer);
        if (!peer)
            die("memory");
        peer->fd = fd;
        watch(peer, EPOLL_CTL_ADD, EPOLLIN);
    }
}

int main(int argc, char **argv)
{
    struct rlimit files;
    if (!getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    for (int i = 1; i < argc; i++)
        load_canned(argv[i]);
    poller = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_on_free_port();
    struct epoll_event event = {.events = EPOLLIN}, events[MAX_EVENTS];
    if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event))
        die("epoll");
    for (;;) {
        int ready = epoll_wait(poller, events, MAX_EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            struct connection *peer = events[i].data.ptr;
            if (!peer)
                accept_all(listener);
            else if ((events[i].events & ~(uint32_t)EPOLLOUT && !serve(peer)) || !flush(peer))
                drop(peer);
        }
    }
}
