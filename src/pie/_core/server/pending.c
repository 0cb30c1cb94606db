/* Requests whose handlers run on an asyncio loop. The loop's thread is the only one that serves
 * connections: it reads requests (`Loop.turn`, when the loop sees the epoll descriptor readable),
 * starts a task for each, and when that has ended makes the reply and serves the connection on. */
#include "server/pending.h"

#include "base/errors.h"
#include "frame/ttheader.h"
#include "loop/connection.h"
#include "loop/connections.h"
#include "loop/outbox.h"
#include "server/reply.h"

typedef struct PendingObject PendingObject;

struct PendingObject {
    PyObject_HEAD
    ServerObject *server; /* NULL once it is finished */
    PyObject *loop;       /* the Loop: the worker and the connection are its */
    Worker *worker;
    PendingObject *next, **link; /* of all that are not finished */
    Connection *connection;
    Method *method;
    CallObject *call;
    Flow flow;
    FrameView view;
    MessageHead head;
    bool parted;
};

static PyTypeObject *pending_type;
static PendingObject *unfinished;

static void list_it(PendingObject *pending) {
    pending->next = unfinished;
    pending->link = &unfinished;
    if (unfinished != NULL) {
        unfinished->link = &pending->next;
    }
    unfinished = pending;
}

static void unlist(PendingObject *pending) {
    *pending->link = pending->next;
    if (pending->next != NULL) {
        pending->next->link = pending->link;
    }
}

int pending_calls(PyObject *list) {
    for (PendingObject *each = unfinished; each != NULL; each = each->next) {
        if (PyList_Append(list, (PyObject *)each->call) < 0) {
            return -1;
        }
    }
    return 0;
}

/* The request again, without the bytes of its frame. */
static Request request_of(PendingObject *pending) {
    return (Request){
        .server = pending->server,
        .worker = pending->worker,
        .connection = pending->connection,
        .view = &pending->view,
        .head = &pending->head,
        .method = pending->method,
        .call = pending->call,
        .parted = pending->parted,
        .flow = pending->flow,
    };
}

static PyObject *arguments_of(const Request *request, PyObject *const *arguments) {
    PyObject *tuple = PyTuple_New(request->method->arg_count);
    for (int i = 0; tuple != NULL && i < request->method->arg_count; i++) {
        PyTuple_SET_ITEM(tuple, i, Py_NewRef(arguments[i]));
    }
    return tuple;
}

int pending_start(Request *request, PyObject *const *arguments) {
    PyObject *tuple = arguments_of(request, arguments);
    PendingObject *pending = (PendingObject *)pending_type->tp_alloc(pending_type, 0);
    if (tuple == NULL || pending == NULL) {
        Py_XDECREF(tuple);
        Py_XDECREF(pending);
        return -1;
    }
    PyObject *started =
        PyObject_CallFunctionObjArgs(request->server->hooks.start_handler, request->method->attr,
                                     tuple, (PyObject *)pending, NULL);
    Py_DECREF(tuple);
    if (started == NULL) {
        Py_DECREF(pending);
        return -1;
    }
    Py_DECREF(started);
    request->later = true;
    request->parted = request->view->transport == TRANSPORT_TTHEADER &&
                      (request->view->flags & FLAG_OUT_OF_ORDER);
    if (request->parted) {
        atomic_fetch_add(&request->connection->references, 1);
    }
    request->server->pending++;
    pending->server = (ServerObject *)Py_NewRef(request->server);
    pending->loop = Py_NewRef(request->worker->loop->owner);
    pending->worker = request->worker;
    pending->connection = request->connection;
    pending->method = request->method;
    pending->call = (CallObject *)Py_NewRef(request->call);
    pending->flow = request->flow; /* With its references. */
    pending->view = *request->view;
    pending->head = *request->head;
    pending->parted = request->parted;
    list_it(pending);
    Py_DECREF(pending);
    return 0;
}

/* Sends the reply and serves the connection on. */
static void go_on(Worker *worker, Connection *connection, bool answered, bool parted) {
    if (loop_is_copy(worker->loop)) {
        PyObject *ended = PyObject_CallNoArgs(worker->loop->hooks.end_forked_child);
        Py_XDECREF(ended); /* It ends this process. */
    }
    worker->python = PyEval_SaveThread();
    if (worker->out.size > 0) {
        connection_send(connection, &worker->out);
    }
    if (!answered) {
        connection_hang_up(connection);
    }
    if (parted) {
        connection_release(connection);
    } else {
        connection_serve(worker, connection);
        outbox_flush(worker->loop);
    }
    PyEval_RestoreThread(worker->python);
}

/* With the handler's value, or NULL and an exception set. */
static void finish(PendingObject *pending, PyObject *value) {
    Request request = request_of(pending);
    ServerObject *server = pending->server;
    bool answered = reply_finish(&request, value, &pending->worker->out);
    pending->server = NULL;
    unlist(pending);
    server->pending--;
    go_on(pending->worker, pending->connection, answered, pending->parted);
    Py_CLEAR(pending->call);
    Py_CLEAR(pending->loop);
    Py_DECREF(server);
}

static PyObject *pending_finish(PendingObject *pending, PyObject *task) {
    if (pending->server == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "this request has been answered");
        return NULL;
    }
    PyObject *value = PyObject_CallMethod(task, "result", NULL);
    finish(pending, value);
    Py_XDECREF(value);
    Py_RETURN_NONE;
}

/* Its task was thrown away, by the thread that held it last, maybe in the middle of another reply: so
 * this reply is made apart, and the connection left to the loop. */
static void abandon(PendingObject *pending) {
    if (loop_is_copy(pending->worker->loop)) {
        return; /* The parent answers. */
    }
    Request request = request_of(pending);
    Connection *connection = pending->connection;
    Buffer out = {0};
    PyObject *before = error_take();
    PyErr_SetString(PyExc_RuntimeError, "the handler's task was thrown away");
    if (reply_finish(&request, NULL, &out)) {
        connection_send(connection, &out);
    } else {
        connection_hang_up(connection);
    }
    buffer_free(&out);
    if (pending->parted) {
        connection_release(connection);
    } else {
        connections_queue(connection->loop, connection);
    }
    pending->server->pending--;
    Py_CLEAR(pending->call);
    Py_CLEAR(pending->server);
    Py_CLEAR(pending->loop);
    error_give(before);
}

static void pending_dealloc(PendingObject *pending) {
    PyTypeObject *type = Py_TYPE(pending);
    if (pending->server != NULL) {
        unlist(pending);
        abandon(pending);
    }
    type->tp_free(pending);
    Py_DECREF(type);
}

static PyMethodDef pending_methods[] = {
    {"finish", (PyCFunction)pending_finish, METH_O,
     "Answer with what became of the task or future that ran the handler."},
    {NULL},
};

static PyType_Slot pending_slots[] = {
    {Py_tp_doc, "A request whose handler runs on an asyncio loop."},
    {Py_tp_dealloc, pending_dealloc},
    {Py_tp_methods, pending_methods},
    {0, NULL},
};

static PyType_Spec pending_spec = {
    .name = "pie._core._native.Pending",
    .basicsize = sizeof(PendingObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = pending_slots,
};

int pending_init(PyObject *module) {
    pending_type = (PyTypeObject *)PyType_FromSpec(&pending_spec);
    return pending_type == NULL ? -1 : PyModule_AddObjectRef(module, "Pending", (PyObject *)pending_type);
}
