/* Writing to connections: at once, or when the leader has served what is ready. */
#include "loop/outbox.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/connections.h"
#include "loop/crowd.h"

#define KEPT_CAPACITY (64 << 10) /* buffers larger than this are given back */

void connection_release(Connection *connection) {
    if (atomic_fetch_sub(&connection->references, 1) == 1) {
        fork_disown(connection->fd);
        close(connection->fd);
        free(connection->progress);
        buffer_free(&connection->rest);
        buffer_free(&connection->pending);
        crowd_leave(connection);
        pthread_mutex_destroy(&connection->writing);
        connections_bury(connection->loop, connection);
    }
}

/* Bytes sent; -1 = the connection is of no more use. */
static ssize_t send_some(int fd, const uint8_t *data, size_t size) {
    size_t sent = 0;
    while (sent < size) {
        ssize_t count = send(fd, data + sent, size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count >= 0) {
            sent += (size_t)count;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            break;
        } else if (errno != EINTR) {
            return -1;
        }
    }
    return (ssize_t)sent;
}

void connection_hang_up(Connection *connection) {
    shutdown(connection->fd, SHUT_RDWR);
}

/* Under `writing`: sends what is pending; what the socket does not take stays. */
static void push(Connection *connection) {
    Buffer *pending = &connection->pending;
    size_t size = pending->size - connection->pending_at;
    ssize_t sent = send_some(connection->fd, pending->data + connection->pending_at, size);
    if (sent < 0) {
        connection_hang_up(connection);
        sent = (ssize_t)size;
    }
    connection->pending_at += (size_t)sent;
    bool blocked = (size_t)sent < size;
    if (!blocked) {
        buffer_reset(pending, KEPT_CAPACITY);
        connection->pending_at = 0;
    } else if (size - (size_t)sent > connection->loop->limits.write_limit) {
        connection_hang_up(connection);
    }
    if (!blocked) {
        atomic_store(&connection->write_begun, 0);
    } else if (!atomic_load(&connection->blocked)) {
        atomic_store(&connection->write_begun, monotonic_ms());
    }
    atomic_store(&connection->blocked, blocked);
    crowd_count_pending(connection);
}

/* Under `writing`: puts a reply behind what is pending. */
static void append(Connection *connection, Buffer *reply) {
    Buffer *pending = &connection->pending;
    size_t waiting = pending->size - connection->pending_at;
    if (connection->pending_at > waiting) { /* A peer that always reads a little takes no more room. */
        memmove(pending->data, pending->data + connection->pending_at, waiting);
        pending->size = waiting;
        connection->pending_at = 0;
    }
    bool full = atomic_load(&connection->blocked) &&
                waiting + reply->size > connection->loop->limits.write_limit;
    if (full || buffer_add(pending, reply->data, reply->size) < 0) {
        connection_hang_up(connection);
    }
    crowd_count_pending(connection);
    buffer_reset(reply, KEPT_CAPACITY);
}

void connection_send(Connection *connection, Buffer *reply) {
    pthread_mutex_lock(&connection->writing);
    append(connection, reply);
    if (!atomic_load(&connection->blocked)) {
        push(connection);
    }
    pthread_mutex_unlock(&connection->writing);
}

void outbox_add(Worker *worker, Connection *connection) {
    Loop *loop = worker->loop;
    pthread_mutex_lock(&connection->writing);
    append(connection, &worker->out);
    if (connection->pending.size > KEPT_CAPACITY && !atomic_load(&connection->blocked)) {
        push(connection);
    }
    pthread_mutex_unlock(&connection->writing);
    if (!connection->outgoing) {
        if (loop->outbox == NULL) {
            loop->outbox_since = worker->clock;
        }
        connection->outgoing = true;
        atomic_fetch_add(&connection->references, 1);
        connection->next_outgoing = loop->outbox;
        loop->outbox = connection;
    }
}

bool connection_owes(const Connection *connection) {
    return atomic_load(&connection->blocked) || atomic_load(&connection->references) > 1;
}

void connection_flush(Connection *connection) {
    pthread_mutex_lock(&connection->writing);
    push(connection);
    pthread_mutex_unlock(&connection->writing);
}

void outbox_flush(Loop *loop) {
    Connection *each = loop->outbox;
    loop->outbox = NULL;
    while (each != NULL) {
        Connection *next = each->next_outgoing;
        each->outgoing = false;
        connection_flush(each);
        connection_release(each);
        each = next;
    }
}
