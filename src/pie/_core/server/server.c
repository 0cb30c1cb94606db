/* `_native.ThriftServer`: a Thrift service that a loop serves. */
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
    NAMED(ServerObject, handler, OBJECT),
    NAMED_AS(ServerObject, method_plans, "methods", LIST),
    NAMED(ServerObject, course, OBJECT),
    NAMED_AS(ServerObject, twin_plan, "twin", OBJECT),
    NAMED_AS(ServerObject, hooks_plan, "hooks", OBJECT),
    NAMED(ServerObject, names, TUPLE),
    NAMED(ServerObject, psm, TEXT),
    NAMED(ServerObject, cluster, TEXT),
    NAMED(ServerObject, addressee, TEXT),
    NAMED(ServerObject, answers, TUPLE),
    NAMED(ServerObject, frame_limit, SIZE),
    NAMED(ServerObject, decoded_limit, SIZE),
    NAMED_AS(ServerObject, idle_ms, "idle_timeout", MILLIS),
    NAMED_AS(ServerObject, transfer_ms, "transfer_timeout", MILLIS),
    NAMED(ServerObject, max_pending, INT),
    NAMED_END,
};
static const NamedField hook_fields[] = {
    NAMED(ServerHooks, adopt, CALLABLE),
    NAMED(ServerHooks, complain, CALLABLE),
    NAMED_OR_NONE(ServerHooks, start_handler, CALLABLE),
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
static NamedStruct plan_struct = {"pie.rpc.server.native_server.ServerPlan", plan_fields};
static NamedStruct hooks_struct = {"pie.rpc.server.native_server.ServerHooks", hook_fields};
static NamedStruct twin_struct = {"pie.rpc.server.native_server.ServerTwin", twin_fields};

static int read_plan(ServerObject *server, PyObject *plan) {
    if (named_read(&plan_struct, plan, server) < 0 ||
        named_read(&hooks_struct, server->hooks_plan, &server->hooks) < 0 ||
        named_read(&twin_struct, server->twin_plan, &server->twin) < 0) {
        return -1;
    }
    if (!PyObject_TypeCheck(server->course, &Course_Type)) {
        PyErr_Format(PyExc_TypeError, "ServerPlan.course must be a Course, not %R", server->course);
        return -1;
    }
    if ((server->max_pending > 0) != (server->hooks.start_handler != NULL)) {
        PyErr_SetString(PyExc_TypeError, "`max_pending` and `start_handler` go together");
        return -1;
    }
    return methods_open(&server->methods, server->method_plans);
}

/* --- the type --- */

static PyObject *server_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *plan;
    if (!PyArg_ParseTuple(args, "O:ThriftServer", &plan)) {
        return NULL;
    }
    ServerObject *server = (ServerObject *)type->tp_alloc(type, 0);
    if (server == NULL) {
        return NULL;
    }
    if (read_plan(server, plan) < 0) {
        Py_DECREF(server);
        return NULL;
    }
    server->is_async = server->max_pending > 0;
    server->speaks.speaker = (Speaker){
        .protocol = &thrift_protocol,
        .server = server,
        .idle_ms = server->idle_ms,
        .read_ms = server->transfer_ms,
        .write_ms = server->transfer_ms,
    };
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
    server_clear(server);
    methods_close(&server->methods);
    type->tp_free(server);
    Py_DECREF(type);
}

static PyObject *get_pending(ServerObject *server, void *closure) {
    return PyLong_FromLong(server->pending);
}

static PyGetSetDef server_attributes[] = {
    {"pending", (getter)get_pending, NULL, "Requests that are on the asyncio loop.", NULL},
    {NULL},
};

static PyType_Slot server_slots[] = {
    {Py_tp_doc, "A Thrift service that a loop serves; see pie.rpc.server."},
    {Py_tp_new, server_new},
    {Py_tp_dealloc, server_dealloc},
    {Py_tp_traverse, server_traverse},
    {Py_tp_clear, server_clear},
    {Py_tp_getset, server_attributes},
    {0, NULL},
};

static PyType_Spec server_spec = {
    .name = "pie._core._native.ThriftServer",
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
        named_add(&twin_struct) < 0 || metadata_init() < 0 ||
        reply_init() < 0 || PyModule_AddFunctions(module, functions) < 0) {
        return -1;
    }
    PyObject *type = PyType_FromSpecWithBases(&server_spec, (PyObject *)speaker_type);
    int added = type == NULL ? -1 : PyModule_AddObjectRef(module, "ThriftServer", type);
    Py_XDECREF(type);
    return added < 0 ? -1 : pending_init(module);
}
