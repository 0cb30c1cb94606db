/* A request out and its reply in, on one connection. Twin: pie/rpc/client/exclusive.py. */
#include "client/exchange.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/named.h"

#define CHUNK ((size_t)16 << 10)
#define LARGE_CHUNK ((size_t)256 << 10)
#define LIMIT ((size_t)16 << 20) /* DEFAULT_FRAME_LIMIT of pie/thrift/wire/frames.py */
#define LONGEST_MS 1000000
#define RECEIVE_SECONDS 0.02 /* or more: RECEIVE_TIMEOUT of pie/rpc/client/exclusive.py */

typedef enum { WAIT_READY, WAIT_LATE, WAIT_FAILED, WAIT_RAISED } Wait;

/* Lets Python handle the signal that interrupted a wait; false with the GIL released, or true with
 * an exception set. */
static bool signal_raises(PyThreadState **thread) {
    PyEval_RestoreThread(*thread);
    bool raises = PyErr_CheckSignals() < 0;
    *thread = PyEval_SaveThread();
    return raises;
}

static Wait wait_for(int fd, short events, double deadline, PyThreadState **thread) {
    struct pollfd poller = {.fd = fd, .events = events};
    for (;;) {
        int patience = -1;
        if (!isnan(deadline)) {
            double left = ceil((deadline - monotonic_now()) * 1000);
            if (left <= 0) {
                return WAIT_LATE;
            }
            patience = left > LONGEST_MS ? LONGEST_MS : (int)left;
        }
        int ready = poll(&poller, 1, patience);
        if (ready > 0) {
            return WAIT_READY;
        }
        if (ready < 0 && errno != EINTR) {
            return WAIT_FAILED;
        }
        if (ready < 0 && signal_raises(thread)) {
            return WAIT_RAISED;
        }
    }
}

/* How an exchange ends whose wait did not end with readiness. */
static ExchangeEnd ended(Wait wait, ExchangeEnd late, ExchangeEnd failed) {
    return wait == WAIT_LATE ? late : wait == WAIT_FAILED ? failed : EXCHANGE_RAISED;
}

static ExchangeEnd send_all(int fd, const Buffer *request, double deadline, int *error,
                            PyThreadState **thread) {
    size_t sent = 0;
    while (sent < request->size) {
        ssize_t count = send(fd, request->data + sent, request->size - sent,
                             MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count >= 0) {
            sent += (size_t)count;
            continue;
        }
        *error = errno;
        if (errno == EINTR) {
            continue;
        }
        if (errno != EAGAIN && errno != EWOULDBLOCK) {
            return EXCHANGE_NOT_SENT;
        }
        Wait wait = wait_for(fd, POLLOUT, deadline, thread);
        if (wait != WAIT_READY) {
            *error = errno;
            return ended(wait, EXCHANGE_LATE_TO_SEND, EXCHANGE_NOT_SENT);
        }
    }
    return EXCHANGE_DONE;
}

/* Bytes to receive: a chunk that usually holds a frame, or more of a larger one. */
static size_t wanted(const Buffer *reply, const FrameView *view) {
    size_t missing = view->size > reply->size ? view->size - reply->size : 0;
    return missing < CHUNK ? CHUNK : missing < LARGE_CHUNK ? missing : LARGE_CHUNK;
}

static ExchangeEnd receive(int fd, Buffer *reply, double deadline, MessageWalk **walk,
                           FrameView *view, int *error, PyThreadState **thread) {
    /* The usual reply is here within the receive time-out of the socket (pie/rpc/client/exclusive.py), and
     * takes one call of the system then; what takes longer is waited for until the deadline. */
    bool waits = !(deadline - monotonic_now() < RECEIVE_SECONDS);
    view->size = 0;
    for (;;) {
        size_t size = wanted(reply, view);
        uint8_t *room = buffer_room(reply, size);
        if (room == NULL) {
            return EXCHANGE_NO_MEMORY;
        }
        Wait wait = waits ? WAIT_READY : wait_for(fd, POLLIN, deadline, thread);
        if (wait != WAIT_READY) {
            *error = errno;
            return ended(wait, EXCHANGE_LATE, EXCHANGE_FAILED);
        }
        ssize_t count = recv(fd, room, size, waits ? 0 : MSG_DONTWAIT);
        waits = false;
        if (count == 0) {
            return EXCHANGE_CLOSED;
        }
        if (count < 0) {
            *error = errno;
            if (errno == EINTR && signal_raises(thread)) {
                return EXCHANGE_RAISED;
            }
            if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
                continue;
            }
            return EXCHANGE_FAILED;
        }
        reply->size += (size_t)count;
        FrameState state = frame_find(reply->data, reply->size, LIMIT, walk, view);
        if (LIKELY(state == FRAME_WHOLE)) {
            return EXCHANGE_DONE;
        }
        if (state != FRAME_PARTIAL) {
            return EXCHANGE_ODD;
        }
    }
}

ExchangeEnd exchange(int fd, const Buffer *request, Buffer *reply, double deadline, FrameView *view,
                     int *error) {
    if (!isnan(deadline) && monotonic_now() >= deadline) {
        return EXCHANGE_LATE_TO_SEND;
    }
    PyThreadState *thread = PyEval_SaveThread();
    ExchangeEnd end = send_all(fd, request, deadline, error, &thread);
    if (end == EXCHANGE_DONE && view != NULL) {
        MessageWalk *walk = NULL; /* Of a reply without a length. */
        end = receive(fd, reply, deadline, &walk, view, error, &thread);
        free(walk);
    }
    PyEval_RestoreThread(thread);
    return end;
}

bool exchange_is_readable(int fd) {
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    return poll(&poller, 1, 0) != 0;
}

static const NamedNumber ends[] = {
    {"NOT_SENT", EXCHANGE_NOT_SENT}, {"LATE_TO_SEND", EXCHANGE_LATE_TO_SEND},
    {"LATE", EXCHANGE_LATE},         {"CLOSED", EXCHANGE_CLOSED},
    {"FAILED", EXCHANGE_FAILED},     {"ODD", EXCHANGE_ODD},
    {NULL, 0},
};
static NamedNumbers end_numbers = {"pie.rpc.client.exclusive.ExchangeEnd", ends, NULL};

void exchange_init(void) {
    named_add_numbers(&end_numbers);
}
