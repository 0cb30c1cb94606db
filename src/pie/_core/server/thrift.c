/* Thrift on the connections of a loop: finds messages, has them answered, and reports to Python
 * what happens to connections. */
#include "server/thrift.h"

#include "frame/message.h"
#include "loop/connection.h"
#include "loop/hooks.h"
#include "loop/outbox.h"
#include "server/request.h"

#define MOST_COMPLAINED_OF (16 << 10) /* bytes that the twin reads to find what is wrong */

static ServerObject *server_of(const Connection *connection) {
    return atomic_load(&connection->speaker)->server;
}

/* Drops what a hook returned; reports what it raised. */
static void drop(PyObject *hook, PyObject *result) {
    if (result == NULL) {
        PyErr_WriteUnraisable(hook);
    }
    Py_XDECREF(result);
}

/* The bytes are no message, or too long a one: Python logs why. */
static void complain(Worker *worker, Connection *connection, const uint8_t *data, size_t size) {
    ServerObject *server = server_of(connection);
    size = size < MOST_COMPLAINED_OF ? size : MOST_COMPLAINED_OF;
    PyEval_RestoreThread(worker->python);
    drop(server->hooks.complain,
         PyObject_CallFunction(server->hooks.complain, "sy#", connection->peer, (const char *)data,
                               (Py_ssize_t)size));
    worker->python = PyEval_SaveThread();
}

/* A transport that the twin speaks: it gets the socket, with what was received. */
static void hand_over(Worker *worker, Connection *connection, const uint8_t *data, size_t size) {
    ServerObject *server = server_of(connection);
    connection_flush(connection);
    int fd = connection_give_away(connection);
    PyEval_RestoreThread(worker->python);
    drop(server->hooks.adopt,
         PyObject_CallFunction(server->hooks.adopt, "isy#", fd, connection->peer,
                               (const char *)data, (Py_ssize_t)size));
    worker->python = PyEval_SaveThread();
}

static Answer answer_frame(Worker *worker, Connection *connection, const uint8_t *data, size_t size,
                           const FrameView *view) {
    ServerObject *server = server_of(connection);
    MessageHead head;
    const char *problem =
        message_head_read(data + view->payload, view->payload_end - view->payload, &head);
    if (problem != NULL) {
        complain(worker, connection, data, view->size);
        return ANSWER_BROKEN;
    }
    bool damaged = false;
    PyEval_RestoreThread(worker->python);
    keep_one_parked(worker);
    Answer answer =
        request_answer(server, worker, connection, data, size, view, &head, &damaged);
    worker->python = PyEval_SaveThread();
    if (damaged) {
        complain(worker, connection, data, view->size);
    }
    return answer;
}

static Answer answer(Worker *worker, Connection *connection, const uint8_t *data, size_t size,
                     size_t *taken) {
    FrameView view = {0};
    switch (frame_find(data, size, server_of(connection)->frame_limit,
                       (MessageWalk **)&connection->progress, &view)) {
    case FRAME_WHOLE:
        *taken = view.size;
        return answer_frame(worker, connection, data, size, &view);
    case FRAME_PARTIAL:
        return ANSWER_PARTIAL;
    case FRAME_FOREIGN:
        hand_over(worker, connection, data, size);
        return ANSWER_BROKEN;
    default:
        complain(worker, connection, data, size);
        return ANSWER_BROKEN;
    }
}

/* A frame's length has a zero first, but for frames of 16 MiB and more; without a frame it is a version of
 * the strict binary protocol, the compact one, or the length of a name. Texts begin with none of these. */
static Speaks speaks(const uint8_t *data, size_t size) {
    return data[0] < ' ' || data[0] >= 0x7f ? SPEAKS : SPEAKS_NOT;
}

const LoopProtocol thrift_protocol = {.speaks = speaks, .answer = answer, .forget = free};
