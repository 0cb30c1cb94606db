/* `_native.Server`: what Python sees of the loop, and what the loop asks of Python. */
#include "server/server.h"

#include "server/metadata.h"
#include "server/request.h"

#define SPAWN_PAUSE_NS 1000000000
#define MOST_COMPLAINED_OF (16 << 10) /* bytes that the twin looks at to say what is wrong */

static ServerObject *server_of(Worker *worker) {
    return worker->loop->server;
}

/* Tells the hooks something; what they raise has nobody to go to. Takes over `result`. */
static void told(ServerObject *server, PyObject *result) {
    if (result == NULL) {
        PyErr_WriteUnraisable(server->hooks);
    }
    Py_XDECREF(result);
}

/* One more thread, so that there is somebody to pass leadership to. */
static void keep_one_parked(ServerObject *server, Worker *worker) {
    Loop *loop = &server->loop;
    if (worker->leading && !worker->refusing && !worker->turning &&
        atomic_load(&loop->parked_count) == 0 &&
        loop->worker_count < loop->limits.max_threads && worker->clock >= loop->spawn_again) {
        loop->worker_count++;
        PyObject *spawned = PyObject_CallMethod(server->hooks, "spawn", NULL);
        if (spawned != Py_True) { /* The system has none to give now. */
            loop->worker_count--;
            loop->spawn_again = worker->clock + SPAWN_PAUSE_NS;
        }
        told(server, spawned);
    }
}

Answer server_answer(Worker *worker, Connection *connection, const uint8_t *data, size_t size,
                     const FrameView *view) {
    ServerObject *server = server_of(worker);
    MessageHead head;
    const char *problem =
        message_head_read(data + view->payload, view->payload_end - view->payload, &head);
    if (problem != NULL) {
        server_complain(worker, connection, data, view->size);
        return ANSWER_BROKEN;
    }
    PyEval_RestoreThread(worker->python);
    keep_one_parked(server, worker);
    Answer answer = request_answer(server, worker, connection, data, size, view, &head);
    worker->python = PyEval_SaveThread();
    if (answer == ANSWER_DAMAGED) {
        server_complain(worker, connection, data, view->size);
        return ANSWER_BROKEN;
    }
    return answer;
}

void server_hand_over(Worker *worker, Connection *connection, const uint8_t *data, size_t size) {
    ServerObject *server = server_of(worker);
    int fd = connection_give_away(connection);
    PyEval_RestoreThread(worker->python);
    told(server, PyObject_CallMethod(server->hooks, "adopt", "isy#", fd, connection->peer,
                                     (const char *)data, (Py_ssize_t)size));
    worker->python = PyEval_SaveThread();
}

void server_complain(Worker *worker, Connection *connection, const uint8_t *data, size_t size) {
    ServerObject *server = server_of(worker);
    size = size < MOST_COMPLAINED_OF ? size : MOST_COMPLAINED_OF;
    PyEval_RestoreThread(worker->python);
    told(server, PyObject_CallMethod(server->hooks, "complain", "sy#", connection->peer,
                                     (const char *)data, (Py_ssize_t)size));
    worker->python = PyEval_SaveThread();
}

void server_refused(Worker *worker, const char *peer) {
    ServerObject *server = server_of(worker);
    PyEval_RestoreThread(worker->python);
    told(server, PyObject_CallMethod(server->hooks, "refused", "s", peer));
    worker->python = PyEval_SaveThread();
}

void server_cannot_accept(Worker *worker, int error) {
    ServerObject *server = server_of(worker);
    PyEval_RestoreThread(worker->python);
    told(server, PyObject_CallMethod(server->hooks, "cannot_accept", "i", error));
    worker->python = PyEval_SaveThread();
}

void server_backlog_served(Worker *worker) {
    ServerObject *server = server_of(worker);
    PyEval_RestoreThread(worker->python);
    told(server, PyObject_CallMethod(server->hooks, "backlog_served", NULL));
    worker->python = PyEval_SaveThread();
}

/* --- The type --- */

static int parse_limits(PyObject *limits, Limits *into) {
    double idle, transfer, overload;
    if (!PyArg_ParseTuple(limits, "nniiddd:limits", &into->frame_limit, &into->write_limit,
                          &into->max_connections, &into->max_threads, &idle, &transfer,
                          &overload)) {
        return -1;
    }
    into->idle_ms = (int64_t)(idle * 1000);
    into->transfer_ms = (int64_t)(transfer * 1000);
    into->overload_ms = (int64_t)(overload * 1000);
    return 0;
}

/* The one worker of a server whose handlers are coroutines. */
static int asyncio_open(ServerObject *server, int max_pending) {
    Worker *worker = &server->asyncio;
    if (worker_open(worker, &server->loop) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    worker->leading = worker->turning = true;
    server->is_async = true;
    server->max_pending = max_pending;
    return 0;
}

static PyObject *server_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"listener", "handler", "methods", "course", "twin", "hooks",
                            "psm",      "cluster", "answers", "decoded_limit", "limits",
                            "max_pending", NULL};
    int listener;
    PyObject *handler, *plans, *course, *twin, *hooks, *psm, *cluster, *answers, *limits;
    Py_ssize_t decoded_limit;
    Limits parsed;
    int max_pending = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "iOO!O!OOUUOnO!|i:Server", names, &listener,
                                     &handler, &PyList_Type, &plans, &Course_Type, &course, &twin,
                                     &hooks, &psm, &cluster, &answers, &decoded_limit, &PyTuple_Type,
                                     &limits, &max_pending) ||
        parse_limits(limits, &parsed) < 0) {
        return NULL;
    }
    ServerObject *server = (ServerObject *)type->tp_alloc(type, 0);
    if (server == NULL) {
        return NULL;
    }
    server->handler = Py_NewRef(handler);
    server->course = Py_NewRef(course);
    server->twin = Py_NewRef(twin);
    server->hooks = Py_NewRef(hooks);
    server->psm = Py_NewRef(psm);
    server->cluster = Py_NewRef(cluster);
    server->answers = Py_NewRef(answers);
    server->decoded_limit = decoded_limit;
    if (methods_open(&server->methods, plans) < 0 ||
        loop_open(&server->loop, listener, &parsed, server, max_pending == 0) < 0) {
        Py_DECREF(server);
        return NULL;
    }
    server->is_open = true;
    if (max_pending > 0 && asyncio_open(server, max_pending) < 0) {
        Py_DECREF(server);
        return NULL;
    }
    return (PyObject *)server;
}

static int server_traverse(ServerObject *server, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(server));
    Py_VISIT(server->handler);
    Py_VISIT(server->course);
    Py_VISIT(server->twin);
    Py_VISIT(server->hooks);
    return methods_visit(&server->methods, visit, arg);
}

static int server_clear(ServerObject *server) {
    Py_CLEAR(server->handler);
    Py_CLEAR(server->course);
    Py_CLEAR(server->twin);
    Py_CLEAR(server->hooks);
    return 0;
}

static void server_dealloc(ServerObject *server) {
    PyTypeObject *type = Py_TYPE(server);
    PyObject_GC_UnTrack(server);
    if (server->is_open) {
        loop_close(&server->loop); /* Threads that work hold a reference: there are none. */
    }
    if (server->is_async) {
        worker_close(&server->asyncio);
    }
    server_clear(server);
    methods_close(&server->methods);
    Py_XDECREF(server->course);
    Py_XDECREF(server->psm);
    Py_XDECREF(server->cluster);
    Py_XDECREF(server->answers);
    type->tp_free(server);
    Py_DECREF(type);
}

static PyObject *server_work(ServerObject *server, PyObject *ignored) {
    return loop_work(&server->loop) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *server_refuse(ServerObject *server, PyObject *ignored) {
    return loop_refuse(&server->loop) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *server_turn(ServerObject *server, PyObject *ignored) {
    if (!server->is_async) {
        PyErr_SetString(PyExc_RuntimeError, "a server of threads takes no turns: use work()");
        return NULL;
    }
    return PyBool_FromLong(loop_turn(&server->asyncio));
}

static PyObject *server_fileno(ServerObject *server, PyObject *ignored) {
    return PyLong_FromLong(server->loop.epoll);
}

static PyObject *server_drain(ServerObject *server, PyObject *seconds) {
    double patience = PyFloat_AsDouble(seconds);
    if (patience == -1 && PyErr_Occurred()) {
        return NULL;
    }
    loop_drain(&server->loop, (int64_t)(patience * 1000));
    Py_RETURN_NONE;
}

static PyObject *get_connections(ServerObject *server, void *closure) {
    return PyLong_FromLong(atomic_load(&server->loop.open_count));
}

static PyObject *get_pending(ServerObject *server, void *closure) {
    return PyLong_FromLong(server->pending);
}

static PyObject *get_threads(ServerObject *server, void *closure) {
    return PyLong_FromLong(server->loop.worker_count);
}

static PyMethodDef server_methods[] = {
    {"work", (PyCFunction)server_work, METH_NOARGS,
     "Answer requests until the server has drained; any number of threads may."},
    {"refuse", (PyCFunction)server_refuse, METH_NOARGS,
     "Refuse requests while all threads are busy for too long; one thread does."},
    {"turn", (PyCFunction)server_turn, METH_NOARGS,
     "Serve what is ready, on the thread of the asyncio loop; False when the server has drained."},
    {"fileno", (PyCFunction)server_fileno, METH_NOARGS,
     "The descriptor that is readable when a turn is due."},
    {"drain", (PyCFunction)server_drain, METH_O,
     "Stop accepting, let connections end, and cut what is left after so many seconds."},
    {NULL},
};

static PyGetSetDef server_attributes[] = {
    {"connections", (getter)get_connections, NULL, "How many are open.", NULL},
    {"pending", (getter)get_pending, NULL, "Requests that are on the asyncio loop.", NULL},
    {"threads", (getter)get_threads, NULL, "How many answer requests.", NULL},
    {NULL},
};

static PyType_Slot server_slots[] = {
    {Py_tp_doc, "A Thrift server's loop; see pie.rpc.server.leader."},
    {Py_tp_new, server_new},
    {Py_tp_dealloc, server_dealloc},
    {Py_tp_traverse, server_traverse},
    {Py_tp_clear, server_clear},
    {Py_tp_methods, server_methods},
    {Py_tp_getset, server_attributes},
    {0, NULL},
};

static PyType_Spec server_spec = {
    .name = "pie._core._native.Server",
    .basicsize = sizeof(ServerObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = server_slots,
};

static PyMethodDef functions[] = {
    {"setup_metadata", metadata_setup, METH_VARARGS,
     "Give what reads unusual headers: name_from_peer, parse_span, normalise_logid."},
    {NULL},
};

int server_init(PyObject *module) {
    PyObject *type = PyType_FromSpec(&server_spec);
    if (type == NULL || PyModule_AddFunctions(module, functions) < 0) {
        Py_XDECREF(type);
        return -1;
    }
    int added = PyModule_AddObjectRef(module, "Server", type);
    Py_DECREF(type);
    return added < 0 ? -1 : pending_init(module);
}
