/* Writing to connections: at once, or when the leader has served what is ready. */
#include "loop/outbox.h"

#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/connections.h"
#include "loop/crowd.h"
#include "loop/linger.h"

#define KEPT_CAPACITY (64 << 10) /* buffers larger than this are given back */
#define FILE_AT_ONCE (1 << 20)   /* bytes of a file, then others are served */
#define LEAST_RATE 1             /* bytes per millisecond that a peer has to read */

void connection_release(Connection *connection) {
    if (atomic_fetch_sub(&connection->references, 1) == 1) {
        fork_disown(connection->fd);
        close(connection->fd);
        if (connection->progress != NULL) {
            connection->speaker->protocol->forget(connection->progress);
        }
        if (connection->file.left > 0) {
            close(connection->file.fd);
        }
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
    atomic_store(&connection->broken, true);
    shutdown(connection->fd, SHUT_RDWR);
}

static void drop_file(FileTail *file) {
    if (file->left > 0) {
        close(file->fd);
    }
    file->left = 0;
}

/* Sends some of the file. Bytes; -1 = the connection is of no more use, or the file has become
 * shorter. `*full` = the socket takes no more now. */
static ssize_t send_file(int fd, FileTail *file, bool *full) {
    size_t most = file->left < FILE_AT_ONCE ? file->left : FILE_AT_ONCE;
    ssize_t count;
    do {
        count = sendfile(fd, file->fd, &file->at, most);
    } while (count < 0 && errno == EINTR);
    *full = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    if (count <= 0) {
        return *full ? 0 : -1;
    }
    if (file->left == (size_t)count) {
        drop_file(file);
    } else {
        file->left -= (size_t)count;
    }
    return count;
}

/* Renews the time of a reply by what its peer has read of it. */
static void renew(Connection *connection, bool was_blocked, size_t sent) {
    int64_t most = monotonic_ms() + connection->speaker->write_ms;
    int64_t ends = atomic_load(&connection->write_ends) + (int64_t)(sent / LEAST_RATE);
    atomic_store(&connection->write_ends, was_blocked && ends < most ? ends : most);
}

/* Under `writing`: sends what is pending; what the socket does not take stays. */
static void push(Connection *connection) {
    Buffer *pending = &connection->pending;
    FileTail *file = &connection->file;
    size_t size = pending->size - connection->pending_at;
    ssize_t sent = send_some(connection->fd, pending->data + connection->pending_at, size);
    ssize_t of_file = 0;
    bool full = sent < (ssize_t)size;
    if (sent == (ssize_t)size && file->left > 0) {
        of_file = send_file(connection->fd, file, &full);
    }
    if (sent < 0 || of_file < 0) {
        connection_hang_up(connection);
        drop_file(file);
        sent = (ssize_t)size;
        of_file = 0;
    }
    connection->pending_at += (size_t)sent;
    bool was_blocked = atomic_load(&connection->blocked);
    bool blocked = (size_t)sent < size || file->left > 0;
    if ((size_t)sent == size) {
        buffer_reset(pending, KEPT_CAPACITY);
        connection->pending_at = 0;
    } else if (size - (size_t)sent > connection->loop->limits.write_limit) {
        connection_hang_up(connection);
    }
    if (blocked) {
        renew(connection, was_blocked, (size_t)(sent + of_file));
    } else if (was_blocked) {
        atomic_store(&connection->write_ends, 0);
    }
    if (UNLIKELY(blocked || was_blocked)) {
        atomic_store(&connection->hungry, blocked && !full);
    }
    atomic_store(&connection->blocked, blocked);
    if (!blocked && atomic_load(&connection->last)) {
        atomic_store(&connection->read_ends, monotonic_ms() + LINGER_MS);
        shutdown(connection->fd, SHUT_WR);
    }
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
