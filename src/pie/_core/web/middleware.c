/* `_native.Middleware`: makes a Call of a request, takes it through its gates, and has the application
 * answer. Twin: pie/web/wsgi.py. */
#include "web/middleware.h"

#include "base/errors.h"
#include "base/named.h"
#include "web/environ_text.h"
#include "web/hooks.h"
#include "web/middleware_object.h"
#include "web/request_call.h"
#include "web/response.h"

static const NamedField plan_fields[] = {
    NAMED(MiddlewarePlan, course, OBJECT),
    NAMED(MiddlewarePlan, psm, TEXT),
    NAMED(MiddlewarePlan, cluster, TEXT),
    NAMED(MiddlewarePlan, addressee, TEXT),
    NAMED(MiddlewarePlan, trusted, OBJECT),
    NAMED(MiddlewarePlan, query, TEXT),
    NAMED(MiddlewarePlan, twin, CALLABLE),
    NAMED(MiddlewarePlan, call_of, CALLABLE),
    NAMED(MiddlewarePlan, app_for, CALLABLE),
    NAMED_END,
};
static NamedStruct plan_struct = {"pie.web.native_hooks.MiddlewarePlan", plan_fields};

static PyObject *no_lengths; /* a tuple */

/* --- a call that a gate rejected --- */

/* The answer of the reply gate; NULL with an exception set, or without one if there is none, so that
 * the application is to run. */
static PyObject *rejected(Response *response, Step step, PyObject *start_response) {
    PyObject *error = step == STEP_ERROR ? error_take() : NULL;
    PyObject *answer = response->call->result;
    bool answered = answer != NULL && Py_IS_TYPE(answer, web_hooks.answer) &&
                    (error == NULL || PyObject_TypeCheck(error, web_hooks.failure));
    if (!answered) {
        error_give(error);
        return NULL;
    }
    Py_XDECREF(error);
    Py_INCREF(answer);
    PyObject *body = PyObject_CallMethodOneArg(answer, web_names.send, start_response);
    Py_DECREF(answer);
    return body;
}

/* --- what the application is given --- */

/* Whether a Content-Length says that there is a body: -1 with an exception set. Twin: _NO_LENGTH. */
static int is_length(ValueKind kind, PyObject *length) {
    if (LIKELY(kind == VALUE_TEXT)) {
        Py_ssize_t size = PyUnicode_GET_LENGTH(length);
        return size > 1 || (size == 1 && PyUnicode_READ_CHAR(length, 0) != '0');
    }
    if (kind != VALUE_ODD) {
        return kind == VALUE_ERROR ? -1 : 0;
    }
    int is_none = PySequence_Contains(no_lengths, length);
    return is_none < 0 ? -1 : !is_none;
}

/* Whether a request has a body: -1 with an exception set. */
static int has_body(PyObject *environ) {
    PyObject *length;
    ValueKind kind = environ_value(environ, web_names.content_length, &length);
    int has = is_length(kind, length);
    Py_XDECREF(length);
    return has == 0 ? PyDict_Contains(environ, web_names.transfer_encoding) : has;
}

/* The body of a request that has one, or an application that refuses it. */
static int take_body(Response *response, PyObject **app) {
    PyObject *body = PyObject_CallOneArg(web_hooks.take_body, response->environ);
    if (body != NULL) {
        Py_XSETREF(response->input, body);
        return 0;
    }
    if (!PyErr_ExceptionMatches((PyObject *)web_hooks.refusal)) {
        return -1;
    }
    PyObject *refusal = error_take();
    PyObject *refusing = PyObject_CallOneArg(web_hooks.refusing, refusal);
    Py_DECREF(refusal);
    if (refusing == NULL) {
        return -1;
    }
    Py_SETREF(*app, refusing);
    return 0;
}

/* The application, or who answers in its place where no thread is free, or the request is for another
 * process: a new reference. */
static PyObject *app_for(const Middleware *self, PyObject *environ) {
    PyObject *to;
    int overloaded = PyDict_Contains(environ, web_names.overloaded);
    if (UNLIKELY(overloaded != 0)) {
        return overloaded < 0 ? NULL : PyObject_CallOneArg(self->plan.app_for, environ);
    }
    ValueKind kind = environ_text(environ, web_names.addressee, &to);
    if (LIKELY(kind == VALUE_ABSENT)) {
        return Py_NewRef(self->app);
    }
    bool ours = to != NULL && (PyUnicode_Compare(to, self->plan.addressee) == 0 ||
                               PyUnicode_Compare(to, self->plan.psm) == 0);
    Py_XDECREF(to);
    if (ours || kind == VALUE_ERROR) {
        return ours ? Py_NewRef(self->app) : NULL;
    }
    return PyObject_CallOneArg(self->plan.app_for, environ);
}

static PyObject *run(Response *response, PyObject **app) {
    PyObject *environ = response->environ, *wrap_file;
    int has = has_body(environ);
    if (has < 0 || (has > 0 && take_body(response, app) < 0) ||
        environ_value(environ, web_names.file_wrapper, &wrap_file) == VALUE_ERROR) {
        return NULL;
    }
    if (wrap_file == Py_None) {
        Py_CLEAR(wrap_file);
    }
    if (wrap_file != NULL &&
        PyDict_SetItem(environ, web_names.file_wrapper, (PyObject *)web_hooks.sent_file) < 0) {
        Py_DECREF(wrap_file);
        return NULL;
    }
    PyObject *body = response_answer(response, *app, wrap_file);
    Py_XDECREF(wrap_file);
    return body;
}

/* --- a request --- */

static PyObject *respond(const Middleware *self, Response *response, PyObject *start_response) {
    Step step = flow_drive(&response->flow, NULL);
    if (UNLIKELY(step != STEP_SEND)) {
        PyObject *body = rejected(response, step, start_response);
        if (body != NULL || PyErr_Occurred()) {
            return body;
        }
    }
    if (self->method != NULL) { /* Gates saw the verb: no route is known before they enter. */
        call_set(&response->call->method, Py_NewRef(self->method));
    }
    PyObject *app = app_for(self, response->environ);
    PyObject *body = app == NULL ? NULL : run(response, &app);
    Py_XDECREF(app);
    return body;
}

static PyObject *middleware_call(Middleware *self, PyObject *const *args, size_t flags, PyObject *names) {
    Py_ssize_t count = PyVectorcall_NARGS(flags);
    if (UNLIKELY(self->app == NULL)) {
        PyErr_SetString(PyExc_RuntimeError, "Middleware.__init__ has not been called");
        return NULL;
    }
    if (UNLIKELY(count != 2 || names != NULL || !PyDict_CheckExact(args[0]))) {
        return PyObject_Vectorcall(self->plan.twin, args, (size_t)count, names);
    }
    CallObject *call = request_call(&self->plan, args[0]);
    if (call == NULL) {
        return NULL;
    }
    Response *response = response_new(call, self->plan.course, args[0], args[1]);
    Py_DECREF(call);
    if (response == NULL) {
        return NULL;
    }
    PyObject *body = respond(self, response, args[1]);
    Py_DECREF(response);
    return body;
}

/* --- the type --- */

static int middleware_fill(Middleware *self, PyObject *args, PyObject *keywords) {
    static char *names[] = {"app", "runtime", "edge", "method", NULL};
    PyObject *app, *runtime, *edge = Py_None, *method = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO|O$U:Middleware", names, &app, &runtime,
                                     &edge, &method)) {
        return -1;
    }
    if (self->app != NULL) { /* Requests may be using the plan. */
        PyErr_SetString(PyExc_RuntimeError, "Middleware.__init__ has been called before");
        return -1;
    }
    if (web_hooks.plan == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "pie.web has not been imported");
        return -1;
    }
    method = method == NULL ? PyUnicode_New(0, 0) : PyUnicode_FromObject(method); /* An exact str. */
    PyObject *made = method == NULL ? NULL
                                    : PyObject_CallFunctionObjArgs(web_hooks.plan, app, runtime,
                                                                   edge, method, NULL);
    if (made == NULL || named_renew(&plan_struct, made, &self->plan, sizeof self->plan) < 0) {
        Py_XDECREF(made);
        Py_XDECREF(method);
        return -1;
    }
    Py_DECREF(made);
    if (PyUnicode_GET_LENGTH(method) == 0) {
        Py_CLEAR(method);
    }
    Py_XSETREF(self->method, method);
    self->app = Py_NewRef(app);
    return 0;
}

static PyObject *middleware_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    Middleware *self = (Middleware *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->vectorcall = (vectorcallfunc)middleware_call;
    }
    return (PyObject *)self;
}

static int middleware_traverse(Middleware *self, visitproc visit, void *arg) {
    Py_VISIT(self->app);
    Py_VISIT(self->dict);
    return named_visit(&plan_struct, &self->plan, visit, arg);
}

static int middleware_clear(Middleware *self) {
    Py_CLEAR(self->app);
    Py_CLEAR(self->dict);
    named_clear(&plan_struct, &self->plan);
    return 0;
}

static void middleware_dealloc(Middleware *self) {
    PyObject_GC_UnTrack(self);
    if (self->references != NULL) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    middleware_clear(self);
    Py_CLEAR(self->method);
    Py_TYPE(self)->tp_free(self);
}

static PyGetSetDef properties[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {NULL},
};

static PyTypeObject Middleware_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pie._core._native.Middleware",
    .tp_doc = "Middleware(app, runtime, edge=None, *, method=''): wraps a WSGI application.",
    .tp_basicsize = sizeof(Middleware),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE |
                Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_vectorcall_offset = offsetof(Middleware, vectorcall),
    .tp_dictoffset = offsetof(Middleware, dict),
    .tp_weaklistoffset = offsetof(Middleware, references),
    .tp_call = PyVectorcall_Call,
    .tp_new = middleware_new,
    .tp_init = (initproc)middleware_fill,
    .tp_dealloc = (destructor)middleware_dealloc,
    .tp_traverse = (traverseproc)middleware_traverse,
    .tp_clear = (inquiry)middleware_clear,
    .tp_getset = properties,
};

int middleware_init(PyObject *module) {
    no_lengths = Py_BuildValue("(ssO)", "", "0", Py_None);
    return no_lengths == NULL || named_add(&plan_struct) < 0 ? -1 : PyModule_AddType(module, &Middleware_Type);
}
