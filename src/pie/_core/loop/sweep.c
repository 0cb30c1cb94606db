/* Ending connections that are idle for too long, or too slow. */
#include "loop/sweep.h"

#include <linux/filter.h>
#include <sys/socket.h>

#include "loop/connection.h"
#include "loop/connections.h"
#include "loop/outbox.h"

#define DRAIN_IDLE_MS 300   /* a request that is on its way is still answered */
#define DRAIN_LAST_MS 1000  /* close a busy connection between requests, not inside one */

/* While a reply waits, nothing is read: then its time counts. */
static bool is_late(Connection *connection, int64_t now) {
    int64_t ends = atomic_load(atomic_load(&connection->blocked) ? &connection->write_ends
                                                                 : &connection->read_ends);
    return ends != 0 && now > ends;
}

/* `idle`: ms; negative = as its protocol has it. */
static bool is_idle(Connection *connection, int64_t now, int64_t idle) {
    if (connection_owes(connection)) {
        return false;
    }
    if (atomic_load(&connection->heard_all)) {
        return true;
    }
    idle = idle < 0 ? connection->speaker->idle_ms : idle;
    return atomic_load(&connection->read_ends) == 0 && now - atomic_load(&connection->used) >= idle;
}

/* Has the kernel drop what arrives, so that it is not acknowledged; or no longer. Of no effect on a
 * unix socket. */
static void drop_arrivals(int fd, bool drop) {
    struct sock_filter nothing = {.code = BPF_RET | BPF_K, .k = 0};
    struct sock_fprog program = {.len = 1, .filter = &nothing};
    int unused = 0;
    if (drop) {
        setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
    } else {
        setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused);
    }
}

/* Ends an idle connection, unless a request has come that was not read yet: that one is served. A
 * request that comes later is answered by an RST, without having been acknowledged, which proves to
 * its client that it was not read (pie/rpc/wire/refusal.py). */
static void end_idle(Connection *connection) {
    uint8_t byte;
    drop_arrivals(connection->fd, true);
    bool idle = recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
    if (idle) {
        shutdown(connection->fd, SHUT_RDWR);
    }
    drop_arrivals(connection->fd, false);
    if (idle) {
        connection_end(connection);
    } else {
        connections_queue(connection->loop, connection);
    }
}

/* Ends a connection whose message or reply did not come through in time. */
static void end_late(Connection *connection) {
    const LoopProtocol *protocol = connection->speaker->protocol;
    if (protocol->late != NULL && !atomic_load(&connection->blocked)) {
        Buffer reply = {0};
        protocol->late(connection, &reply);
        connection_send(connection, &reply);
        buffer_free(&reply);
    }
    connection_end(connection);
}

/* Ends connections that are idle for too long, or too slow. Collects under the mutex, ends outside
 * of it: no other thread frees a connection while this one leads. */
void sweep(Loop *loop, int64_t now) {
    bool draining = atomic_load(&loop->draining);
    bool cut = draining && now > atomic_load(&loop->drain_end);
    bool last = draining && now > atomic_load(&loop->drain_end) - DRAIN_LAST_MS;
    int64_t idle = last ? 0 : draining ? DRAIN_IDLE_MS : -1;
    Connection *found = NULL, *ended = NULL;
    pthread_mutex_lock(&loop->mutex);
    for (Connection *each = loop->open; each != NULL; each = each->next) {
        if (cut) {
            shutdown(each->fd, SHUT_RDWR);
        }
        bool ends = cut || is_late(each, now);
        if ((ends || is_idle(each, now, idle)) && connection_take(each)) {
            Connection **list = ends ? &ended : &found;
            each->next_queued = *list;
            *list = each;
        }
    }
    pthread_mutex_unlock(&loop->mutex);
    while (ended != NULL) {
        Connection *next = ended->next_queued;
        end_late(ended);
        ended = next;
    }
    while (found != NULL) {
        Connection *next = found->next_queued;
        end_idle(found);
        found = next;
    }
    loop->swept = now;
}
