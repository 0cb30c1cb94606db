/* Thrift on the connections of a loop: finds messages, has them answered, and reports to Python
 * what happens to connections. */
#include "server/thrift.h"

#include "frame/message.h"
#include "loop/connection.h"
#include "loop/outbox.h"
#include "server/request.h"

#define SPAWN_PAUSE_NS 1000000000
#define MOST_COMPLAINED_OF (16 << 10) /* bytes that the twin reads to find what is wrong */

static ServerObject *server_of(Worker *worker) {
    return worker->loop->server;
}

/* Drops what a hook returned; reports what it raised. */
static void drop(PyObject *hook, PyObject *result) {
    if (result == NULL) {
        PyErr_WriteUnraisable(hook);
    }
    Py_XDECREF(result);
}

/* One more thread, so that there is one to pass leadership to. */
static void keep_one_parked(ServerObject *server, Worker *worker) {
    Loop *loop = &server->loop;
    if (worker->leading && !worker->refusing && !worker->turning &&
        atomic_load(&loop->parked_count) == 0 &&
        loop->worker_count < loop->limits.max_threads && worker->clock >= loop->spawn_again) {
        loop->worker_count++;
        PyObject *spawned = PyObject_CallNoArgs(server->hooks.spawn);
        if (spawned != Py_True) { /* The system has none to give now. */
            loop->worker_count--;
            loop->spawn_again = worker->clock + SPAWN_PAUSE_NS;
        }
        drop(server->hooks.spawn, spawned);
    }
}

/* The bytes are no message, or too long a one: Python logs why. */
static void complain(Worker *worker, Connection *connection, const uint8_t *data, size_t size) {
    ServerObject *server = server_of(worker);
    size = size < MOST_COMPLAINED_OF ? size : MOST_COMPLAINED_OF;
    PyEval_RestoreThread(worker->python);
    drop(server->hooks.complain,
         PyObject_CallFunction(server->hooks.complain, "sy#", connection->peer, (const char *)data,
                               (Py_ssize_t)size));
    worker->python = PyEval_SaveThread();
}

/* A transport that the twin speaks: it gets the socket, with what was received. */
static void hand_over(Worker *worker, Connection *connection, const uint8_t *data, size_t size) {
    ServerObject *server = server_of(worker);
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
    ServerObject *server = server_of(worker);
    MessageHead head;
    const char *problem =
        message_head_read(data + view->payload, view->payload_end - view->payload, &head);
    if (problem != NULL) {
        complain(worker, connection, data, view->size);
        return ANSWER_BROKEN;
    }
    bool damaged = false;
    PyEval_RestoreThread(worker->python);
    keep_one_parked(server, worker);
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
    switch (frame_find(data, size, worker->loop->limits.frame_limit,
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

static void refused(Worker *worker, const char *peer) {
    ServerObject *server = server_of(worker);
    PyEval_RestoreThread(worker->python);
    drop(server->hooks.refused, PyObject_CallFunction(server->hooks.refused, "s", peer));
    worker->python = PyEval_SaveThread();
}

static void cannot_accept(Worker *worker, int error) {
    ServerObject *server = server_of(worker);
    PyEval_RestoreThread(worker->python);
    drop(server->hooks.cannot_accept,
         PyObject_CallFunction(server->hooks.cannot_accept, "i", error));
    worker->python = PyEval_SaveThread();
}

static void crowded(Worker *worker, const char *peer, long long held) {
    ServerObject *server = server_of(worker);
    PyEval_RestoreThread(worker->python);
    drop(server->hooks.crowded, PyObject_CallFunction(server->hooks.crowded, "sL", peer, held));
    worker->python = PyEval_SaveThread();
}

static void backlog_served(Worker *worker) {
    ServerObject *server = server_of(worker);
    PyEval_RestoreThread(worker->python);
    drop(server->hooks.backlog_served, PyObject_CallNoArgs(server->hooks.backlog_served));
    worker->python = PyEval_SaveThread();
}

const LoopProtocol thrift_protocol = {
    .answer = answer,
    .refused = refused,
    .cannot_accept = cannot_accept,
    .crowded = crowded,
    .backlog_served = backlog_served,
};
