/* One connection: bytes to frames, frames to the server, replies back. */
#include "frame/frame.h"
#include "server/loop.h"
#include "server/server.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEPT_CAPACITY (64 << 10) /* buffers larger than this are given back */
#define READS_IN_A_ROW 16 /* then others are served */
#define READ_EVENTS (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)

/* What became of the bytes at hand. */
typedef enum {
    DONE,    /* nothing more to do now */
    QUEUED,  /* it is no longer this thread's */
    HANG_UP,
} Outcome;

Connection *connection_new(Loop *loop, int fd, const char *peer) {
    Connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        return NULL;
    }
    connection->loop = loop;
    connection->fd = fd;
    atomic_init(&connection->references, 1);
    atomic_init(&connection->used, monotonic_ms());
    pthread_mutex_init(&connection->writing, NULL);
    snprintf(connection->peer, sizeof connection->peer, "%s", peer);
    return connection;
}

bool connection_take(Connection *connection) {
    int idle = CONNECTION_IDLE;
    return atomic_compare_exchange_strong(&connection->state, &idle, CONNECTION_BUSY);
}

/* Lets go; false if an event came meanwhile and the owner must look again. */
static bool let_go(Connection *connection) {
    int busy = CONNECTION_BUSY;
    if (atomic_compare_exchange_strong(&connection->state, &busy, CONNECTION_IDLE)) {
        return true;
    }
    atomic_store(&connection->state, CONNECTION_BUSY);
    return false;
}

void connection_end(Connection *connection) {
    Loop *loop = connection->loop;
    if (atomic_exchange(&connection->ended, true)) {
        return;
    }
    /* Said, not left to close(): a forked child may hold a copy of the descriptor. */
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, connection->fd, NULL);
    shutdown(connection->fd, SHUT_RDWR);
    loop_unlink(loop, connection);
    connection_release(connection);
}

int connection_give_away(Connection *connection) {
    Loop *loop = connection->loop;
    pthread_mutex_lock(&loop->mutex); /* A sweep may be about to shut the socket, */
    pthread_mutex_lock(&connection->writing); /* or another thread to write to it. */
    int fd = connection->fd;
    connection->fd = -1;
    pthread_mutex_unlock(&connection->writing);
    pthread_mutex_unlock(&loop->mutex);
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL);
    return fd;
}

void connection_release(Connection *connection) {
    if (atomic_fetch_sub(&connection->references, 1) == 1) {
        close(connection->fd);
        free(connection->walk);
        buffer_free(&connection->rest);
        buffer_free(&connection->pending);
        pthread_mutex_destroy(&connection->writing);
        loop_bury(connection->loop, connection);
    }
}

/* --- Writing --- */

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

/* By the leader, who has more to do before it waits: what it says meanwhile is sent then, so that its
 * peers are not woken one by one, and replies to pipelined requests share a packet. */
static void send_later(Worker *worker, Connection *connection) {
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

static void flush(Connection *connection) {
    pthread_mutex_lock(&connection->writing);
    push(connection);
    pthread_mutex_unlock(&connection->writing);
}

void loop_flush(Loop *loop) {
    Connection *each = loop->outbox;
    loop->outbox = NULL;
    while (each != NULL) {
        Connection *next = each->next_outgoing;
        each->outgoing = false;
        flush(each);
        connection_release(each);
        each = next;
    }
}

/* --- Reading --- */

/* Keeps what is not answered yet; `data` may lie within the buffer already. A frame's time runs from
 * its first byte, however many follow one by one. */
static int keep_rest(Connection *connection, const uint8_t *data, size_t size, bool another) {
    Buffer *rest = &connection->rest;
    bool within = rest->data != NULL && data >= rest->data && data < rest->data + rest->capacity;
    if (within) {
        if (data != rest->data) { /* Else a peer that sends byte by byte has all of it moved. */
            memmove(rest->data, data, size);
        }
        rest->size = size;
    } else {
        rest->size = 0;
        if (size > 0 && buffer_add(rest, data, size) < 0) {
            return -1;
        }
    }
    if (size == 0) {
        buffer_reset(rest, 0); /* An idle connection holds no buffer. */
    }
    if (size == 0) {
        atomic_store(&connection->frame_begun, 0);
    } else if (another || atomic_load(&connection->frame_begun) == 0) {
        atomic_store(&connection->frame_begun, monotonic_ms());
    }
    return 0;
}

void connection_part(Worker *worker, Connection *connection, const uint8_t *rest, size_t size) {
    atomic_fetch_add(&connection->references, 1);
    if (keep_rest(connection, rest, size, true) < 0) {
        connection_end(connection);
        return;
    }
    loop_queue(connection->loop, connection);
}

/* Answers the whole frames at the front. */
static Outcome answer_frames(Worker *worker, Connection *connection, const uint8_t *data,
                             size_t size) {
    Loop *loop = connection->loop;
    bool answered = false;
    while (size > 0 && !atomic_load(&connection->blocked)) {
        if (UNLIKELY(atomic_load(&loop->finished))) {
            return HANG_UP; /* Cut by the drain. */
        }
        FrameView view = {0};
        switch (frame_find(data, size, loop->limits.frame_limit, &connection->walk, &view)) {
        case FRAME_WHOLE:
            break;
        case FRAME_PARTIAL:
            return keep_rest(connection, data, size, answered) < 0 ? HANG_UP : DONE;
        case FRAME_FOREIGN:
            flush(connection);
            server_hand_over(worker, connection, data, size);
            return HANG_UP;
        default:
            server_complain(worker, connection, data, size);
            return HANG_UP;
        }
        Answer answer = server_answer(worker, connection, data, size, &view);
        if (UNLIKELY(loop_is_copy(loop))) { /* The parent will answer. */
            worker->leading = false;
            return QUEUED;
        }
        if (answer == ANSWER_BROKEN) {
            return HANG_UP;
        }
        if (worker->out.size > 0 && worker->leading) {
            send_later(worker, connection);
        } else if (worker->out.size > 0) {
            connection_send(connection, &worker->out);
        }
        if (answer == ANSWER_PARTED) {
            connection_release(connection);
            return QUEUED;
        }
        data += view.size;
        size -= view.size;
        if (answer == ANSWER_PENDING) {
            return keep_rest(connection, data, size, true) < 0 ? HANG_UP : QUEUED;
        }
        answered = true;
    }
    return keep_rest(connection, data, size, answered) < 0 ? HANG_UP : DONE;
}

/* Receives once. Bytes, 0 = nothing is there now, -1 = the peer has ended the connection. */
static ssize_t receive(Worker *worker, Connection *connection, const uint8_t **data,
                       size_t *size) {
    Buffer *rest = &connection->rest;
    uint8_t *into = worker->in;
    size_t room = READ_SIZE;
    if (rest->size > 0) {
        /* Memory grows with what has come, never with what a length says will come. */
        into = buffer_room(rest, rest->size < READ_SIZE ? READ_SIZE : rest->size);
        if (into == NULL) {
            return -1;
        }
        room = rest->capacity - rest->size;
    }
    ssize_t count;
    do {
        count = recv(connection->fd, into, room, MSG_DONTWAIT);
    } while (count < 0 && errno == EINTR);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        connection->readable = false;
        return 0;
    }
    if (count <= 0) {
        return -1;
    }
    /* A short read has emptied the socket: what comes later raises an event of its own. */
    connection->readable = (size_t)count == room || connection->readable_to_end;
    worker->clock = monotonic_ns();
    connection->received = (double)worker->clock * 1e-9;
    if (rest->size > 0) {
        rest->size += (size_t)count;
        *data = rest->data;
        *size = rest->size;
    } else {
        *data = into;
        *size = (size_t)count;
    }
    return count;
}

/* Until nothing more can be done now. */
static Outcome work(Worker *worker, Connection *connection) {
    if (connection->rest.size > 0) { /* Left when its replies could not be sent, or when parted. */
        Outcome outcome =
            answer_frames(worker, connection, connection->rest.data, connection->rest.size);
        if (outcome != DONE) {
            return outcome;
        }
    }
    for (int reads = 0; connection->readable && !atomic_load(&connection->blocked); reads++) {
        if (reads == READS_IN_A_ROW) {
            loop_queue(connection->loop, connection);
            return QUEUED;
        }
        const uint8_t *data;
        size_t size;
        ssize_t count = receive(worker, connection, &data, &size);
        if (count < 0) {
            /* Who has said all may still be listening: its end is seen again when it has read, or
             * when the leader sweeps. */
            atomic_store(&connection->heard_all, true);
            if (worker->leading) {
                loop_flush(connection->loop);
            }
            return connection_owes(connection) ? DONE : HANG_UP;
        }
        if (count == 0) {
            break;
        }
        atomic_store(&connection->used, worker->clock / 1000000);
        Outcome outcome = answer_frames(worker, connection, data, size);
        if (outcome != DONE) {
            return outcome;
        }
    }
    return DONE;
}

void connection_serve(Worker *worker, Connection *connection) {
    do {
        unsigned events = atomic_exchange(&connection->events, 0);
        if (events & READ_EVENTS) {
            connection->readable = true;
        }
        if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
            connection->readable_to_end = true;
        }
        /* Another thread with a reply may be just about to say that the socket does not take it, and no
         * second event would come. */
        if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) && connection_owes(connection)) {
            flush(connection);
        }
        switch (work(worker, connection)) {
        case HANG_UP:
            flush(connection); /* Replies to what came before. */
            connection_end(connection);
            return;
        case QUEUED:
            return;
        case DONE:
            break;
        }
    } while (!let_go(connection));
}
