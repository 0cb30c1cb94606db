/* Accepting connections. */
#include "loop/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "loop/connection.h"
#include "loop/connections.h"
#include "loop/hooks.h"

#define BACKLOG 65536
#define ACCEPT_PAUSE_MS 50 /* out of descriptors: do not spin */

static void peer_text(const struct sockaddr_storage *address, char *text) {
    char host[INET6_ADDRSTRLEN] = "";
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *found = (const struct sockaddr_in *)address;
        inet_ntop(AF_INET, &found->sin_addr, host, sizeof host);
        snprintf(text, PEER_TEXT, "%s:%d", host, ntohs(found->sin_port));
    } else if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *found = (const struct sockaddr_in6 *)address;
        inet_ntop(AF_INET6, &found->sin6_addr, host, sizeof host);
        snprintf(text, PEER_TEXT, "[%s]:%d", host, ntohs(found->sin6_port));
    } else {
        snprintf(text, PEER_TEXT, "unix");
    }
}

static void welcome(Worker *worker, int fd, const struct sockaddr_storage *address) {
    Loop *loop = worker->loop;
    char peer[PEER_TEXT];
    peer_text(address, peer);
    if (atomic_load(&loop->open_count) >= loop->limits.max_connections) {
        close(fd);
        tell_refused(worker, peer);
        return;
    }
    int yes = 1;
    if (address->ss_family != AF_UNIX) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    }
    Connection *connection = connection_new(loop, fd, peer);
    if (connection == NULL) {
        close(fd);
        return;
    }
    connections_add(loop, connection);
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        .data.ptr = connection,
    };
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        connection_end(connection);
    }
}

int listener_watch(Loop *loop, bool on) {
    /* The workers of a master share one listener: one of them is woken, not all. */
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = &loop->listener};
    int done = epoll_ctl(loop->epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, loop->listener, &event);
    loop->accepting = on && done == 0;
    return done;
}

bool listener_accept(Worker *worker, int most) {
    Loop *loop = worker->loop;
    for (int i = 0; i < most; i++) {
        struct sockaddr_storage address;
        socklen_t size = sizeof address;
        address.ss_family = AF_UNIX;
        int fd = accept4(loop->listener, (struct sockaddr *)&address, &size,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            welcome(worker, fd, &address);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return false;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            tell_cannot_accept(worker, errno);
            listener_watch(loop, false);
            loop->accept_again = monotonic_ms() + ACCEPT_PAUSE_MS;
            return false;
        }
    }
    return true;
}

void listener_close(Worker *worker) {
    Loop *loop = worker->loop;
    /* In this order: a new connection then wakes the workers that share the listener. */
    listener_watch(loop, false);
    /* More than the longest backlog, but bounded: clients may go on connecting. */
    for (int i = 0; i < BACKLOG / ACCEPTS_IN_A_ROW && listener_accept(worker, ACCEPTS_IN_A_ROW);
         i++) {
    }
    loop->listener = -1;
    tell_backlog_served(worker);
}
