/* The floor: what a server costs without any Python. One thread, one epoll loop.

   Listens on a free port of 127.0.0.1 and prints "ready PORT". What it answers, and which arguments
   it takes, is in the file of a protocol that it is linked with. */
#define _GNU_SOURCE
#include "floor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_EVENTS = 256, CHUNK = 64 << 10 };

struct connection {
    int fd;
    int waits_to_write;
    struct buffer in, out;
};

static int poller;

void die(const char *what)
{
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

unsigned char *grow(struct buffer *buffer, size_t more)
{
    if (buffer->size + more > buffer->room) {
        buffer->room = 2 * (buffer->size + more);
        buffer->data = realloc(buffer->data, buffer->room);
        if (!buffer->data)
            die("memory");
    }
    return buffer->data + buffer->size;
}

void add(struct buffer *buffer, const void *data, size_t size)
{
    memcpy(grow(buffer, size), data, size);
    buffer->size += size;
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

/* Read once and answer every whole request; 0 when the peer is gone. */
static int serve(struct connection *peer)
{
    struct buffer *in = &peer->in;
    ssize_t got = recv(peer->fd, grow(in, CHUNK), CHUNK, 0);
    if (got <= 0)
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    in->size += (size_t)got;
    size_t done = 0;
    for (;;) {
        long size = answer(in->data + done, in->size - done, &peer->out);
        if (size < 0)
            return 0;
        if (size == 0)
            break;
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
    prepare(argc - 1, argv + 1);
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
