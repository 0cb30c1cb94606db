/* `_native.HttpServer`: a WSGI application that a loop serves, made of an `HttpPlan`. */
#include "http/http_server.h"

#include "base/named.h"
#include "http/deliver.h"
#include "http/http.h"
#include "http/http_object.h"
#include "http/start_response.h"
#include "http/upgrade.h"

static const NamedField plan_fields[] = {
    NAMED(HttpObject, app, CALLABLE),
    NAMED_AS(HttpObject, fixed, "environ", DICT),
    NAMED_AS(HttpObject, hooks_plan, "hooks", OBJECT),
    NAMED(HttpObject, empty_input, CALLABLE),
    NAMED(HttpObject, bytes_input, CALLABLE),
    NAMED(HttpObject, file_input, CALLABLE),
    NAMED(HttpObject, file_wrapper, CLASS),
    NAMED(HttpObject, late_socket, CALLABLE),
    NAMED(HttpObject, trusted, TUPLE),
    NAMED(HttpObject, spool, TEXT),
    NAMED(HttpObject, proxied, FLAG),
    NAMED(HttpObject, body_limit, SIZE),
    NAMED(HttpObject, memory_limit, SIZE),
    NAMED_AS(HttpObject, idle_ms, "idle_timeout", MILLIS),
    NAMED_AS(HttpObject, head_ms, "head_timeout", MILLIS),
    NAMED_AS(HttpObject, body_ms, "body_timeout", MILLIS),
    NAMED_AS(HttpObject, write_ms, "write_timeout", MILLIS),
    NAMED_END,
};
static const NamedField hook_fields[] = {
    NAMED(HttpHooks, complain, CALLABLE),
    NAMED(HttpHooks, failed, CALLABLE),
    NAMED_END,
};
static NamedStruct plan_struct = {"pie.web.server.native_http.HttpPlan", plan_fields};
static NamedStruct hooks_struct = {"pie.web.server.native_http.HttpHooks", hook_fields};

static int read_trusted(HttpObject *server) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(server->trusted); i++) {
        PyObject *each = PyTuple_GET_ITEM(server->trusted, i);
        const char *text = PyUnicode_Check(each) ? PyUnicode_AsUTF8(each) : NULL;
        if (text == NULL || !networks_add(&server->networks, text)) {
            PyErr_Format(PyExc_ValueError, "HttpPlan.trusted holds %R: write a network, or unix", each);
            return -1;
        }
    }
    return 0;
}

static int read_plan(HttpObject *server, PyObject *plan) {
    if (named_read(&plan_struct, plan, server) < 0 ||
        named_read(&hooks_struct, server->hooks_plan, &server->hooks) < 0 ||
        read_trusted(server) < 0 || environ_base_init(&server->base, server->fixed) < 0) {
        return -1;
    }
    server->has_base = true;
    server->spool_folder = PyUnicode_AsUTF8(server->spool);
    return server->spool_folder == NULL ? -1 : 0;
}

static PyObject *server_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *plan;
    if (!PyArg_ParseTuple(args, "O:HttpServer", &plan)) {
        return NULL;
    }
    HttpObject *server = (HttpObject *)type->tp_alloc(type, 0);
    if (server == NULL) {
        return NULL;
    }
    if (read_plan(server, plan) < 0) {
        Py_DECREF(server);
        return NULL;
    }
    server->speaks.speaker = (Speaker){
        .protocol = &http_protocol,
        .server = server,
        .idle_ms = server->idle_ms,
        .read_ms = server->head_ms,
        .write_ms = server->write_ms,
    };
    return (PyObject *)server;
}

static int server_traverse(HttpObject *server, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(server));
    Py_VISIT(server->base.fixed);
    int stop = named_visit(&plan_struct, server, visit, arg);
    return stop ? stop : named_visit(&hooks_struct, &server->hooks, visit, arg);
}

static int server_clear(HttpObject *server) {
    named_clear(&plan_struct, server);
    named_clear(&hooks_struct, &server->hooks);
    if (server->has_base) {
        environ_base_clear(&server->base);
    }
    server->has_base = false;
    return 0;
}

static void server_dealloc(HttpObject *server) {
    PyTypeObject *type = Py_TYPE(server);
    PyObject_GC_UnTrack(server);
    server_clear(server);
    type->tp_free(server);
    Py_DECREF(type);
}

static PyType_Slot server_slots[] = {
    {Py_tp_doc, "A WSGI application that a loop serves; see pie.web.server."},
    {Py_tp_new, server_new},
    {Py_tp_dealloc, server_dealloc},
    {Py_tp_traverse, server_traverse},
    {Py_tp_clear, server_clear},
    {0, NULL},
};

static PyType_Spec server_spec = {
    .name = "pie._core._native.HttpServer",
    .basicsize = sizeof(HttpObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = server_slots,
};

int http_server_init(PyObject *module) {
    if (named_add(&plan_struct) < 0 || named_add(&hooks_struct) < 0 || deliver_init() < 0 ||
        start_response_init() < 0 || upgrade_init() < 0) {
        return -1;
    }
    PyObject *type = PyType_FromSpecWithBases(&server_spec, (PyObject *)speaker_type);
    int added = type == NULL ? -1 : PyModule_AddObjectRef(module, "HttpServer", type);
    Py_XDECREF(type);
    return added;
}
