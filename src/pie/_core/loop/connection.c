/* One connection: received bytes to its protocol, replies back. */
#include "loop/connection.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/arrivals.h"
#include "loop/connections.h"
#include "loop/crowd.h"
#include "loop/hooks.h"
#include "loop/leader.h"
#include "loop/linger.h"
#include "loop/outbox.h"
#include "loop/sniff.h"

#define LATE_NS 2000000 /* since the thread of an asyncio loop last received: it may have been busy */
#define READS_IN_A_ROW 16 /* then others are served */
#define READ_EVENTS (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)

/* What became of the bytes that were received. */
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
    connection->speaker = sniff_first(loop);
    connection->fd = fd;
    fork_own(fd);
    atomic_init(&connection->references, 1);
    atomic_init(&connection->used, monotonic_ms());
    pthread_mutex_init(&connection->writing, NULL);
    snprintf(connection->peer, sizeof connection->peer, "%s", peer);
    return connection;
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
    /* Not left to close(): a forked child may hold a copy of the descriptor. */
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, connection->fd, NULL);
    shutdown(connection->fd, SHUT_RDWR);
    connections_remove(loop, connection);
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
    fork_disown(fd);
    return fd;
}

bool connections_thin(Worker *worker, Connection *own) {
    while (crowd_is_too_large(worker->loop)) {
        Connection *found = crowd_heaviest(worker->loop, own);
        if (found == NULL) {
            return true; /* All are being served: the next sweep looks again. */
        }
        tell_crowded(worker, found->peer, crowd_held(found));
        if (found == own) {
            return false;
        }
        connection_end(found);
    }
    return true;
}

/* --- Reading --- */

/* Of what was received: the rest of a message, which was there before or begins with it; or nothing. */
typedef enum { REST_SAME, REST_ANOTHER, REST_WITHIN } Rest;

/* Keeps what is not answered yet; `data` may lie within the buffer already. A message's time runs from
 * its first byte, however many follow one by one. */
static int keep_rest(Connection *connection, const uint8_t *data, size_t size, Rest whose) {
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
    crowd_count_rest(connection);
    if (size == 0 && whose != REST_WITHIN) {
        atomic_store(&connection->read_ends, 0);
    } else if (whose == REST_ANOTHER || atomic_load(&connection->read_ends) == 0) {
        connection_expect(connection, connection->speaker->read_ms);
    }
    return 0;
}

void connection_expect(Connection *connection, int64_t ms) {
    atomic_store(&connection->read_ends, monotonic_ms() + ms);
}

void connection_part(Worker *worker, Connection *connection, const uint8_t *rest, size_t size) {
    atomic_fetch_add(&connection->references, 1);
    if (keep_rest(connection, rest, size, REST_ANOTHER) < 0) {
        connection_end(connection);
        return;
    }
    connections_queue(connection->loop, connection);
}

void connection_hand_over(Worker *worker, Connection *connection) {
    if (worker->out.size > 0 && worker->leading) {
        outbox_add(worker, connection);
    } else if (worker->out.size > 0) {
        connection_send(connection, &worker->out);
    }
}

/* Answers the whole messages at the front. */
static Outcome answer_messages(Worker *worker, Connection *connection, const uint8_t *data,
                               size_t size) {
    Loop *loop = connection->loop;
    Rest whose = REST_SAME;
    while (size > 0 && !atomic_load(&connection->blocked)) {
        if (UNLIKELY(atomic_load(&loop->finished))) {
            return HANG_UP; /* Cut by the drain. */
        }
        size_t taken = 0;
        connection->at = connection->total - size;
        Answer answer =
            connection->speaker->protocol->answer(worker, connection, data, size, &taken);
        if (UNLIKELY(loop_is_copy(loop))) { /* The parent will answer. */
            worker->leading = false;
            return QUEUED;
        }
        if (answer == ANSWER_PARTIAL) {
            break;
        }
        if (answer == ANSWER_BROKEN) {
            worker->out.size = 0; /* Not into the next connection's. */
            return HANG_UP;
        }
        if (answer == ANSWER_LAST) {
            linger_begin(connection);
            taken = size;
            connection_send(connection, &worker->out); /* At once, though it may be empty. */
        }
        connection_hand_over(worker, connection);
        if (answer == ANSWER_PARTED) {
            connection_release(connection);
            return QUEUED;
        }
        data += taken;
        size -= taken;
        if (answer == ANSWER_PENDING) {
            return keep_rest(connection, data, size, REST_ANOTHER) < 0 ? HANG_UP : QUEUED;
        }
        whose = answer == ANSWER_READY ? REST_ANOTHER : REST_WITHIN;
    }
    if (keep_rest(connection, data, size, whose) < 0) {
        return HANG_UP;
    }
    return UNLIKELY(crowd_is_too_large(loop)) && !connections_thin(worker, connection) ? HANG_UP : DONE;
}

double connection_received(const Connection *connection) {
    return arrivals_of(connection, connection->at);
}

/* Received `count` bytes behind `carried` ones that were left of a message. */
static void note_received(Worker *worker, Connection *connection, size_t carried, size_t count) {
    bool first = connection->received == 0;
    int64_t now = monotonic_ns();
    bool late = first || (worker->turning && now - worker->clock > LATE_NS);
    worker->clock = now;
    connection->received = (double)now * 1e-9;
    connection->carried = carried;
    connection->total = carried + count;
    connection->at = 0;
    if (UNLIKELY(late) && connection->arrival_count == 0) {
        arrivals_ask(connection, count);
    }
}

/* Receives once. Bytes, 0 = nothing is there now, -1 = the peer has ended the connection. */
static ssize_t receive(Worker *worker, Connection *connection, const uint8_t **data,
                       size_t *size) {
    Buffer *rest = &connection->rest;
    uint8_t *into = worker->in;
    size_t room = READ_SIZE;
    if (rest->size > 0) {
        /* Memory grows with the bytes received, never with a length that a peer sent. */
        into = buffer_room(rest, rest->size < READ_SIZE ? READ_SIZE : rest->size);
        if (into == NULL) {
            return -1;
        }
        room = rest->capacity - rest->size;
    }
    if (rest->size > 0) {
        connection->begun = arrivals_of(connection, connection->total - rest->size);
        connection->carried = connection->total = rest->size;
    }
    arrivals_take(connection);
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
    note_received(worker, connection, rest->size, (size_t)count);
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

/* Reads and answers until nothing more can be done now. */
static Outcome work(Worker *worker, Connection *connection) {
    if (connection->rest.size > 0) { /* Left when its replies could not be sent, or when parted. */
        Outcome outcome =
            answer_messages(worker, connection, connection->rest.data, connection->rest.size);
        if (outcome != DONE) {
            return outcome;
        }
    }
    for (int reads = 0; connection->readable && !atomic_load(&connection->blocked); reads++) {
        if (reads == READS_IN_A_ROW) {
            connections_queue(connection->loop, connection);
            return QUEUED;
        }
        const uint8_t *data;
        size_t size;
        ssize_t count = receive(worker, connection, &data, &size);
        if (count < 0) {
            /* A peer that sends no more may still be listening: its end is seen again when it has
             * read, or when the leader sweeps. */
            atomic_store(&connection->heard_all, true);
            if (worker->leading) {
                outbox_flush(connection->loop);
            }
            return connection_owes(connection) ? DONE : HANG_UP;
        }
        if (count == 0) {
            break;
        }
        atomic_store(&connection->used, worker->clock / 1000000);
        Outcome outcome = answer_messages(worker, connection, data, size);
        if (outcome != DONE) {
            return outcome;
        }
    }
    return DONE;
}

/* Sends what waits. A file may have to be read from a disk: another thread leads if that takes long. */
static void flush(Worker *worker, Connection *connection) {
    worker_enter_handler(worker, monotonic_ns(), false);
    connection_flush(connection);
    worker_leave_handler(worker);
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
        /* Another thread may be just about to find that the socket does not take its reply, and no
         * second event would come. */
        bool writable = events & (EPOLLOUT | EPOLLERR | EPOLLHUP);
        if ((writable && connection_owes(connection)) || atomic_load(&connection->hungry)) {
            flush(worker, connection);
        }
        switch (work(worker, connection)) {
        case HANG_UP:
            connection_flush(connection); /* Replies to what came before. */
            connection_end(connection);
            return;
        case QUEUED:
            return;
        case DONE:
            break;
        }
        if (UNLIKELY(atomic_load(&connection->hungry))) {
            connections_queue(connection->loop, connection);
            return;
        }
    } while (!let_go(connection));
}
