/* `_native.Response`: runs the application and hands its chunks to the server. Twin:
 * pie/web/response.py. */
#include "web/response.h"

#include <structmember.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/fork.h"
#include "call/outcome.h"
#include "web/hooks.h"
#include "web/in_flight.h"
#include "web/response_end.h"
#include "web/response_start.h"

int this_process;

/* --- the call being served --- */

/* Undoes it, whatever is set then. */
static void leave(PyObject *outer) {
    PyObject *error = error_take();
    if (current_call_reset(outer) < 0) {
        PyErr_WriteUnraisable(NULL);
    }
    error_give(error);
}

/* In a child that the application forked and that came back: it ends. */
static void end_child(Response *self, PyObject *error) {
    PyObject *ended = PyObject_CallFunctionObjArgs(web_hooks.end_child, (PyObject *)self,
                                                   error == NULL ? Py_None : error, NULL);
    if (ended == NULL) {
        PyErr_WriteUnraisable((PyObject *)self);
    }
    Py_XDECREF(ended);
}

/* Raises what a hook makes of an object. */
static void raise_made(PyObject *hook, PyObject *object) {
    PyObject *error = PyObject_CallOneArg(hook, object);
    if (error != NULL) {
        error_raise(error);
        Py_DECREF(error);
    }
}

/* --- running the application --- */

static int iterate(Response *self, PyObject *body) {
    if (UNLIKELY(body == Py_None || PyBytes_Check(body) || PyUnicode_Check(body))) {
        raise_made(web_hooks.no_iterable, body);
        return -1;
    }
    PyObject *chunks = PyObject_GetIter(body);
    if (chunks == NULL) {
        return -1;
    }
    Py_XSETREF(self->chunks, chunks);
    return 0;
}

static PyObject *call_app(Response *self, PyObject *app) {
    PyObject *start = response_starter(self);
    if (start == NULL) {
        return NULL;
    }
    PyObject *arguments[] = {NULL, self->environ, start};
    PyObject *body = PyObject_Vectorcall(app, arguments + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    Py_DECREF(start);
    return body;
}

/* What the server is to iterate; NULL with an exception set. */
static PyObject *run(Response *self, PyObject *app, PyObject *wrap_file) {
    PyObject *body = call_app(self, app);
    if (body == NULL) {
        return NULL;
    }
    Py_XSETREF(self->body, Py_NewRef(body));
    if (response_is_copy(self)) {
        end_child(self, NULL);
    }
    PyObject *given = NULL;
    if (UNLIKELY(Py_IS_TYPE(body, web_hooks.sent_file)) && wrap_file != NULL && self->started) {
        given = PyObject_CallFunctionObjArgs(web_hooks.hand_on, (PyObject *)self, body, wrap_file,
                                             NULL);
    } else if (LIKELY(iterate(self, body) == 0)) {
        given = Py_NewRef((PyObject *)self);
    }
    Py_DECREF(body);
    return given;
}

/* An exception of the application, which is set: answered here, or left to the server. */
static PyObject *answer_error(Response *self) {
    PyObject *error = error_take();
    if (response_is_copy(self)) {
        end_child(self, error);
    }
    PyObject *closed = PyObject_CallOneArg(web_hooks.close_body, (PyObject *)self);
    if (closed == NULL) {
        PyErr_WriteUnraisable((PyObject *)self);
    }
    Py_XDECREF(closed);
    PyObject *body = response_failed(self, error);
    PyObject *chunks = body == NULL ? NULL : PyTuple_Pack(1, body);
    Py_XDECREF(body);
    int done = chunks == NULL ? -1 : iterate(self, chunks);
    Py_XDECREF(chunks);
    return done < 0 ? NULL : Py_NewRef((PyObject *)self);
}

PyObject *response_answer(Response *self, PyObject *app, PyObject *wrap_file) {
    PyObject *outer = current_call_set(self->call);
    if (outer == NULL) {
        return NULL;
    }
    PyObject *given = run(self, app, wrap_file);
    if (UNLIKELY(given == NULL)) {
        given = answer_error(self);
    }
    leave(outer);
    return given;
}

/* --- iterating --- */

static PyObject *counted(Response *self, PyObject *chunk) {
    if (chunk != NULL) {
        self->call->response_bytes += PyBytes_GET_SIZE(chunk);
    }
    return chunk;
}

/* The exception that is set: the bytes that answer it, or NULL with what the server is to see. */
static PyObject *answer_broken(Response *self) {
    PyObject *error = error_take();
    if (response_is_copy(self)) {
        end_child(self, error);
    }
    return counted(self, response_failed(self, error));
}

/* Nothing more comes: NULL, with or without an exception; or the answer to an application that never
 * started one. */
static PyObject *finish(Response *self) {
    int over = self->started || self->done;
    if (!over) {
        PyObject *switches = PyObject_CallOneArg(web_hooks.switches, (PyObject *)self);
        over = switches == NULL ? -1 : PyObject_IsTrue(switches);
        Py_XDECREF(switches);
    }
    if (LIKELY(over > 0)) {
        response_end(self);
        return NULL;
    }
    if (over == 0) {
        PyObject *nothing = PyBytes_FromStringAndSize(NULL, 0);
        if (nothing != NULL) {
            raise_made(web_hooks.no_chunk, nothing);
            Py_DECREF(nothing);
        }
    }
    return counted(self, response_failed(self, error_take()));
}

static PyObject *next(Response *self) {
    PyObject *chunks = Py_XNewRef(self->chunks);
    PyObject *chunk = chunks == NULL ? NULL : Py_TYPE(chunks)->tp_iternext(chunks);
    Py_XDECREF(chunks);
    if (UNLIKELY(chunk == NULL)) {
        if (!PyErr_Occurred() || PyErr_ExceptionMatches(PyExc_StopIteration)) {
            PyErr_Clear();
            return finish(self);
        }
        return answer_broken(self);
    }
    if (response_is_copy(self)) {
        end_child(self, NULL);
    }
    if (LIKELY(self->started && PyBytes_Check(chunk))) {
        return counted(self, chunk);
    }
    raise_made(web_hooks.no_chunk, chunk);
    Py_DECREF(chunk);
    return answer_broken(self);
}

static PyObject *response_next(Response *self) {
    PyObject *outer = current_call_set(self->call);
    if (outer == NULL) {
        return NULL;
    }
    self->thread = PyThread_get_thread_ident();
    PyObject *chunk = next(self);
    leave(outer);
    return chunk;
}

static PyObject *close_response(Response *self, PyObject *nothing) {
    PyObject *outer = current_call_set(self->call);
    if (outer == NULL) {
        return NULL;
    }
    int closed = response_close(self);
    leave(outer);
    return closed < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *end_response(Response *self, PyObject *nothing) {
    return response_end(self) < 0 ? NULL : Py_NewRef(Py_None);
}

/* --- life --- */

static PyTypeObject Response_Type;

Response *response_new(CallObject *call, PyObject *course, PyObject *environ, PyObject *server_start) {
    Response *self = PyObject_GC_New(Response, &Response_Type);
    if (self == NULL) {
        return NULL;
    }
    memset((char *)self + sizeof(PyObject), 0, sizeof *self - sizeof(PyObject));
    self->length = -1;
    self->process = this_process;
    self->flow.state = FLOW_OVER;
    self->call = (CallObject *)Py_NewRef((PyObject *)call);
    self->environ = Py_NewRef(environ);
    self->server_start = Py_NewRef(server_start);
    PyObject_GC_Track(self);
    if (flow_init(&self->flow, (PyObject *)call, course) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    in_flight_add(self);
    return self;
}

/* Nobody holds it any more, and it was not closed: the call counts as cancelled. */
static void response_finalize(Response *self) {
    PyObject *error = error_take();
    if (flow_close(&self->flow) < 0) {
        PyErr_WriteUnraisable((PyObject *)self);
    }
    error_give(error);
}

static int response_traverse(Response *self, visitproc visit, void *arg) {
    Py_VISIT(self->call);
    Py_VISIT(self->environ);
    Py_VISIT(self->server_start);
    Py_VISIT(self->server_write);
    Py_VISIT(self->input);
    Py_VISIT(self->body);
    Py_VISIT(self->chunks);
    Py_VISIT(self->error);
    Py_VISIT(self->late);
    return flow_traverse(&self->flow, visit, arg);
}

/* The call and the environ stay: methods need them, and no cycle is made of the call alone. */
static int response_clear(Response *self) {
    self->flow.state = FLOW_OVER;
    flow_clear(&self->flow);
    Py_CLEAR(self->server_start);
    Py_CLEAR(self->server_write);
    Py_CLEAR(self->input);
    Py_CLEAR(self->body);
    Py_CLEAR(self->chunks);
    Py_CLEAR(self->error);
    Py_CLEAR(self->late);
    return 0;
}

static void response_dealloc(Response *self) {
    bool begun = self->flow.state != FLOW_OVER && self->flow.state != FLOW_NEW;
    if (begun && PyObject_CallFinalizerFromDealloc((PyObject *)self) < 0) {
        return;
    }
    PyObject_GC_UnTrack(self);
    in_flight_remove(self);
    response_clear(self);
    Py_CLEAR(self->call);
    Py_CLEAR(self->environ);
    PyObject_GC_Del(self);
}

static PyMemberDef members[] = {
    {"call", T_OBJECT, offsetof(Response, call), READONLY, NULL},
    {"environ", T_OBJECT, offsetof(Response, environ), READONLY, NULL},
    {"server_start", T_OBJECT, offsetof(Response, server_start), READONLY, NULL},
    {"input", T_OBJECT, offsetof(Response, input), READONLY, NULL},
    {"body", T_OBJECT, offsetof(Response, body), 0, NULL},
    {"error", T_OBJECT, offsetof(Response, error), 0, NULL},
    {"late", T_OBJECT, offsetof(Response, late), 0, NULL},
    {"length", T_PYSSIZET, offsetof(Response, length), 0, NULL},
    {"process", T_INT, offsetof(Response, process), READONLY, NULL},
    {"started", T_BOOL, offsetof(Response, started), 0, NULL},
    {"done", T_BOOL, offsetof(Response, done), READONLY, NULL},
    {NULL},
};

static PyMethodDef methods[] = {
    {"close", (PyCFunction)close_response, METH_NOARGS, "The server has sent the body, or given up on it."},
    {"end", (PyCFunction)end_response, METH_NOARGS, "The call ends, once."},
    {NULL},
};

static PyTypeObject Response_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pie._core._native.Response",
    .tp_doc = "The body of one response; its call ends with the last byte, or when it is closed.",
    .tp_basicsize = sizeof(Response),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = (destructor)response_dealloc,
    .tp_finalize = (destructor)response_finalize,
    .tp_traverse = (traverseproc)response_traverse,
    .tp_clear = (inquiry)response_clear,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = (iternextfunc)response_next,
    .tp_methods = methods,
    .tp_members = members,
};

static void note_process(void) {
    this_process = (int)getpid();
}

int response_init(PyObject *module) {
    note_process();
    fork_handler(note_process);
    return PyModule_AddType(module, &Response_Type);
}
