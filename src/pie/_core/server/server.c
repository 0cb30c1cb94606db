/* `_native.Server`: a Thrift server's loop as Python has it. */
#include "server/server.h"

#include "base/named.h"
#include "call/course.h"
#include "loop/loop.h"
#include "server/metadata.h"
#include "server/pending.h"
#include "server/reply.h"
#include "server/server_object.h"
#include "server/thrift.h"

/* --- what Python gives it --- */

static const NamedField plan_fields[] = {
    NAMED(ServerObject, listener, INT),
    NAMED(ServerObject, handler, OBJECT),
    NAMED_AS(ServerObject, method_plans, "methods", LIST),
    NAMED(ServerObject, course, OBJECT),
    NAMED_AS(ServerObject, twin_plan, "twin", OBJECT),
    NAMED_AS(ServerObject, hooks_plan, "hooks", OBJECT),
    NAMED_AS(ServerObject, limits_plan, "limits", OBJECT),
    NAMED(ServerObject, names, TUPLE),
    NAMED(ServerObject, psm, TEXT),
    NAMED(ServerObject, cluster, TEXT),
    NAMED(ServerObject, addressee, TEXT),
    NAMED(ServerObject, answers, TUPLE),
    NAMED(ServerObject, decoded_limit, SIZE),
    NAMED(ServerObject, max_pending, INT),
    NAMED_END,
};
static const NamedField hook_fields[] = {
    NAMED(ServerHooks, adopt, CALLABLE),
    NAMED(ServerHooks, complain, CALLABLE),
    NAMED(ServerHooks, refused, CALLABLE),
    NAMED(ServerHooks, cannot_accept, CALLABLE),
    NAMED(ServerHooks, crowded, CALLABLE),
    NAMED(ServerHooks, backlog_served, CALLABLE),
    NAMED_OR_NONE(ServerHooks, spawn, CALLABLE),
    NAMED_OR_NONE(ServerHooks, start_handler, CALLABLE),
    NAMED(ServerHooks, end_forked_child, CALLABLE),
    NAMED_END,
};
static const NamedField twin_fields[] = {
    NAMED(ServerTwin, answer_bytes, CALLABLE),
    NAMED(ServerTwin, refuse, CALLABLE),
    NAMED(ServerTwin, misdirect, CALLABLE),
    NAMED(ServerTwin, unreadable, CALLABLE),
    NAMED(ServerTwin, raised, CALLABLE),
    NAMED(ServerTwin, fill, CALLABLE),
    NAMED(ServerTwin, reply, CALLABLE),
    NAMED(ServerTwin, failed, CALLABLE),
    NAMED_END,
};
static const NamedField limit_fields[] = {
    NAMED(Limits, frame_limit, SIZE),
    NAMED(Limits, write_limit, SIZE),
    NAMED(Limits, buffer_limit, SIZE),
    NAMED(Limits, max_connections, INT),
    NAMED(Limits, max_threads, INT),
    NAMED_AS(Limits, idle_ms, "idle_timeout", MILLIS),
    NAMED_AS(Limits, transfer_ms, "transfer_timeout", MILLIS),
    NAMED_AS(Limits, overload_ms, "overload_timeout", MILLIS),
    NAMED_END,
};
static NamedStruct plan_struct = {"pie.rpc.server.native_loop.ServerPlan", plan_fields};
static NamedStruct hooks_struct = {"pie.rpc.server.native_loop.ServerHooks", hook_fields};
static NamedStruct twin_struct = {"pie.rpc.server.native_loop.ServerTwin", twin_fields};
static NamedStruct limits_struct = {"pie.rpc.server.native_loop.LoopLimits", limit_fields};

static int read_plan(ServerObject *server, PyObject *plan, Limits *limits) {
    if (named_read(&plan_struct, plan, server) < 0 ||
        named_read(&hooks_struct, server->hooks_plan, &server->hooks) < 0 ||
        named_read(&twin_struct, server->twin_plan, &server->twin) < 0 ||
        named_read(&limits_struct, server->limits_plan, limits) < 0) {
        return -1;
    }
    if (!PyObject_TypeCheck(server->course, &Course_Type)) {
        PyErr_Format(PyExc_TypeError, "ServerPlan.course must be a Course, not %R", server->course);
        return -1;
    }
    if (server->hooks.spawn == NULL && server->hooks.start_handler == NULL) {
        PyErr_SetString(PyExc_TypeError, "a server needs `spawn` or `start_handler`");
        return -1;
    }
    return methods_open(&server->methods, server->method_plans);
}

/* --- the type --- */

/* The one worker of a server whose handlers are coroutines. */
static int asyncio_open(ServerObject *server) {
    Worker *worker = &server->asyncio;
    if (worker_open(worker, &server->loop) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    worker->leading = worker->turning = true;
    server->is_async = true;
    return 0;
}

static PyObject *server_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *plan;
    if (!PyArg_ParseTuple(args, "O:Server", &plan)) {
        return NULL;
    }
    ServerObject *server = (ServerObject *)type->tp_alloc(type, 0);
    if (server == NULL) {
        return NULL;
    }
    Limits limits;
    if (read_plan(server, plan, &limits) < 0 ||
        loop_open(&server->loop, server->listener, &limits, &thrift_protocol, server,
                  server->max_pending == 0) < 0) {
        Py_DECREF(server);
        return NULL;
    }
    server->is_open = true;
    if (server->max_pending > 0 && asyncio_open(server) < 0) {
        Py_DECREF(server);
        return NULL;
    }
    return (PyObject *)server;
}

static int server_traverse(ServerObject *server, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(server));
    int stop = named_visit(&plan_struct, server, visit, arg);
    stop = stop ? stop : named_visit(&hooks_struct, &server->hooks, visit, arg);
    stop = stop ? stop : named_visit(&twin_struct, &server->twin, visit, arg);
    return stop ? stop : methods_visit(&server->methods, visit, arg);
}

static int server_clear(ServerObject *server) {
    named_clear(&plan_struct, server);
    named_clear(&hooks_struct, &server->hooks);
    named_clear(&twin_struct, &server->twin);
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

static PyObject *server_hold_elsewhere(ServerObject *server, PyObject *bytes) {
    long long held = PyLong_AsLongLong(bytes);
    if (held == -1 && PyErr_Occurred()) {
        return NULL;
    }
    atomic_store(&server->loop.held_elsewhere, held);
    Py_RETURN_NONE;
}

static PyObject *get_held(ServerObject *server, void *closure) {
    return PyLong_FromLongLong(atomic_load(&server->loop.held));
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
    {"hold_elsewhere", (PyCFunction)server_hold_elsewhere, METH_O,
     "How many bytes wait in connections that were given away."},
    {"drain", (PyCFunction)server_drain, METH_O,
     "Stop accepting, let connections end, and cut what is left after so many seconds."},
    {NULL},
};

static PyGetSetDef server_attributes[] = {
    {"connections", (getter)get_connections, NULL, "How many are open.", NULL},
    {"held", (getter)get_held, NULL, "Bytes that wait in connections.", NULL},
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

static PyObject *serving(PyObject *module, PyObject *nothing) {
    PyObject *list = PyList_New(0);
    if (list != NULL && (workers_calls(list) < 0 || pending_calls(list) < 0)) {
        Py_CLEAR(list);
    }
    return list;
}

static PyMethodDef functions[] = {
    {"serving", serving, METH_NOARGS, "The calls that servers of this process are answering."},
    {"setup_metadata", metadata_setup, METH_O, "Give C its MetadataHooks."},
    {NULL},
};

int server_init(PyObject *module) {
    if (named_add(&plan_struct) < 0 || named_add(&hooks_struct) < 0 ||
        named_add(&twin_struct) < 0 || named_add(&limits_struct) < 0 || metadata_init() < 0 ||
        reply_init() < 0 || PyModule_AddFunctions(module, functions) < 0) {
        return -1;
    }
    PyObject *type = PyType_FromSpec(&server_spec);
    int added = type == NULL ? -1 : PyModule_AddObjectRef(module, "Server", type);
    Py_XDECREF(type);
    return added < 0 ? -1 : pending_init(module);
}
