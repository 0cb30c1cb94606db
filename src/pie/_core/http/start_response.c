/* The `start_response` that an application is given. It returns itself: called with a part of the body it
 * is the `write` of PEP 3333, which saves an object for each request. */
#include "http/start_response.h"

#include <structmember.h>

#include "http/deliver.h"
#include "http/reply.h"
#include "http/upgrade.h"

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    Exchange *exchange; /* NULL once it is over */
} StartResponse;

static PyTypeObject *start_response_type;

/* write(data) */
static PyObject *write_part(Exchange *exchange, PyObject *data) {
    if (!PyBytes_Check(data)) {
        PyErr_Format(PyExc_TypeError, "write() wants bytes, not %.100s", Py_TYPE(data)->tp_name);
        return NULL;
    }
    if (exchange->status == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "write() was called before start_response()");
        return NULL;
    }
    if (deliver_part(exchange, data) < 0) {
        return NULL;
    }
    if (exchange->gone) { /* Else an application that writes without end would never end. */
        PyErr_SetString(PyExc_BrokenPipeError, "the client has gone");
        return NULL;
    }
    Py_RETURN_NONE;
}

/* An error of the application takes the place of what was started, or ends what has begun. */
static int restart(Exchange *exchange, PyObject *exc_info) {
    if (!PyTuple_Check(exc_info) || PyTuple_GET_SIZE(exc_info) != 3) {
        PyErr_SetString(PyExc_TypeError, "exc_info must be a tuple of three");
        return -1;
    }
    if (exchange->begun) {
        PyObject *error = PyTuple_GET_ITEM(exc_info, 1);
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
        return -1;
    }
    return 0;
}

static PyObject *start(StartResponse *self, PyObject *const *args, size_t count, PyObject *names) {
    Exchange *exchange = self->exchange;
    PyObject *given[3] = {NULL};
    static const char *const known[] = {"status", "response_headers", "exc_info"}; /* In PEP 3333. */
    for (size_t i = 0; i < count && i < 3; i++) {
        given[i] = args[i];
    }
    for (Py_ssize_t i = 0; names != NULL && i < PyTuple_GET_SIZE(names); i++) {
        for (int k = 0; k < 3; k++) {
            if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, i), known[k]) == 0) {
                given[k] = args[count + (size_t)i];
            }
        }
    }
    if (count > 3 || given[0] == NULL || given[1] == NULL) {
        PyErr_SetString(PyExc_TypeError, "start_response(status, response_headers, exc_info=None)");
        return NULL;
    }
    if (given[2] != NULL && given[2] != Py_None) {
        if (restart(exchange, given[2]) < 0) {
            return NULL;
        }
    } else if (exchange->status != NULL) {
        PyErr_SetString(PyExc_AssertionError, "start_response() was called twice");
        return NULL;
    }
    return exchange_start(exchange, given[0], given[1]) < 0 ? NULL : Py_NewRef((PyObject *)self);
}

static PyObject *call(PyObject *callable, PyObject *const *args, size_t flags, PyObject *names) {
    StartResponse *self = (StartResponse *)callable;
    size_t count = (size_t)PyVectorcall_NARGS(flags);
    if (self->exchange == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "this request has been answered");
        return NULL;
    }
    if (PyThreadState_Get() != self->exchange->worker->python) {
        PyErr_SetString(PyExc_RuntimeError, "only the thread of a request may answer it");
        return NULL;
    }
    return count == 1 && names == NULL ? write_part(self->exchange, args[0])
                                       : start(self, args, count, names);
}

PyObject *start_response_new(Exchange *exchange) {
    StartResponse *self = (StartResponse *)start_response_type->tp_alloc(start_response_type, 0);
    if (self != NULL) {
        self->vectorcall = call;
        self->exchange = exchange;
    }
    return (PyObject *)self;
}

void start_response_end(PyObject *start_response) {
    ((StartResponse *)start_response)->exchange = NULL;
}

/* take(): the descriptor of the connection; for LateSocket. */
static PyObject *take(StartResponse *self, PyObject *ignored) {
    if (self->exchange == NULL) {
        PyErr_SetString(PyExc_OSError, "this request has been answered");
        return NULL;
    }
    int fd = upgrade_take(self->exchange);
    return fd < 0 ? NULL : PyLong_FromLong(fd);
}

static PyMethodDef methods[] = {
    {"take", (PyCFunction)take, METH_NOARGS, "Take the connection from the loop: its descriptor."},
    {NULL},
};

static PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(StartResponse, vectorcall), READONLY, NULL},
    {NULL},
};

static void dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyType_Slot slots[] = {
    {Py_tp_doc, "start_response(status, response_headers, exc_info=None), and the write(data) that it returns."},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_members, members},
    {Py_tp_methods, methods},
    {Py_tp_dealloc, dealloc},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "pie._core._native.StartResponse",
    .basicsize = sizeof(StartResponse),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};

int start_response_init(void) {
    start_response_type = (PyTypeObject *)PyType_FromSpec(&spec);
    return start_response_type == NULL ? -1 : 0;
}
