/* A call on its way, as Python holds it.
 *
 * Twins: for threads OpenCall of pie/call/sync.py (start, succeed, fail, close, run), for
 * asyncio the generator that pie/call/flow.py makes (next, send, throw, close).
 */
#include "call/open_call.h"

#include "base/errors.h"
#include "call/flow.h"

typedef struct {
    PyObject_HEAD
    Flow flow;
    PyObject *sleep; /* NULL for asyncio: its driver waits */
} OpenCall;

static PyObject *send_text;

/* OpenCall(call, course, sleep=None) */
static PyObject *open_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf,
                                 PyObject *keywords) {
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    if (count < 2 || count > 3 || (keywords != NULL && PyTuple_GET_SIZE(keywords) != 0)) {
        PyErr_SetString(PyExc_TypeError, "OpenCall takes a call, its course, and a way to sleep");
        return NULL;
    }
    OpenCall *self = (OpenCall *)PyType_GenericAlloc((PyTypeObject *)type, 0);
    if (self == NULL) {
        return NULL;
    }
    if (flow_init(&self->flow, args[0], args[1]) < 0) {
        self->flow.state = FLOW_OVER;
        Py_DECREF(self);
        return NULL;
    }
    self->sleep = count < 3 || args[2] == Py_None ? NULL : Py_NewRef(args[2]);
    return (PyObject *)self;
}

/* --- for threads --- */

/* Waits as long as that is what is wanted. 1 = an attempt is wanted, 0 = the call is over. */
static int drive(OpenCall *self, Step step) {
    while (step == STEP_WAIT) {
        PyObject *delay = PyFloat_FromDouble(self->flow.delay);
        PyObject *slept = NULL;
        if (delay != NULL && self->sleep != NULL) {
            slept = PyObject_CallOneArg(self->sleep, delay);
        } else if (delay != NULL) {
            PyErr_SetString(PyExc_TypeError, "this call was opened without a way to sleep");
        }
        Py_XDECREF(delay);
        step = flow_advance(&self->flow, slept);
        Py_XDECREF(slept);
    }
    return step == STEP_ERROR ? -1 : step == STEP_SEND;
}

static PyObject *truth_of(int more) {
    return more < 0 ? NULL : PyBool_FromLong(more);
}

static PyObject *open_start(OpenCall *self, PyObject *nothing) {
    return truth_of(drive(self, flow_advance(&self->flow, NULL)));
}

static PyObject *open_succeed(OpenCall *self, PyObject *const *args, Py_ssize_t count) {
    if (count > 1) {
        PyErr_SetString(PyExc_TypeError, "succeed() takes one argument: the result");
        return NULL;
    }
    return truth_of(drive(self, flow_advance(&self->flow, count ? args[0] : NULL)));
}

static PyObject *open_fail(OpenCall *self, PyObject *error) {
    error_raise(error);
    return truth_of(drive(self, flow_advance(&self->flow, NULL)));
}

static PyObject *open_run(OpenCall *self, PyObject *action) {
    PyObject *call = Py_NewRef(self->flow.call);
    int more = drive(self, flow_advance(&self->flow, NULL));
    while (more > 0) {
        PyObject *result = PyObject_CallOneArg(action, call);
        more = drive(self, flow_advance(&self->flow, result));
        Py_XDECREF(result);
    }
    PyObject *answer = NULL;
    if (more == 0) {
        PyObject *result = ((CallObject *)call)->result;
        answer = Py_NewRef(result == NULL ? Py_None : result);
    }
    Py_DECREF(call);
    return answer;
}

static PyObject *open_close(OpenCall *self, PyObject *nothing) {
    if (flow_close(&self->flow) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* --- for asyncio --- */

static PyObject *wanted(OpenCall *self, Step step) {
    switch (step) {
    case STEP_SEND:
        return Py_NewRef(send_text);
    case STEP_WAIT:
        return PyFloat_FromDouble(self->flow.delay);
    default:
        return NULL; /* With an exception, or without: over. */
    }
}

static PyObject *open_next(OpenCall *self) {
    return wanted(self, flow_advance(&self->flow, NULL));
}

static PyObject *stopped(PyObject *step) {
    if (step == NULL && !PyErr_Occurred()) {
        PyErr_SetNone(PyExc_StopIteration);
    }
    return step;
}

static PyObject *open_send(OpenCall *self, PyObject *value) {
    return stopped(wanted(self, flow_advance(&self->flow, value)));
}

static PyObject *open_throw(OpenCall *self, PyObject *error) {
    error_raise(error);
    return stopped(wanted(self, flow_advance(&self->flow, NULL)));
}

/* --- life --- */

/* Nobody holds it any more: the call counts as cancelled. */
static void open_finalize(OpenCall *self) {
    PyObject *current = PyErr_Occurred() ? error_take() : NULL;
    if (flow_close(&self->flow) < 0) {
        PyErr_WriteUnraisable((PyObject *)self);
    }
    if (current != NULL) {
        error_give(current);
    }
}

static int open_traverse(OpenCall *self, visitproc visit, void *arg) {
    Py_VISIT(self->sleep);
    return flow_traverse(&self->flow, visit, arg);
}

static int open_clear(OpenCall *self) {
    Py_CLEAR(self->sleep);
    flow_clear(&self->flow);
    self->flow.state = FLOW_OVER;
    return 0;
}

static void open_dealloc(OpenCall *self) {
    if (self->flow.state != FLOW_OVER && PyObject_CallFinalizerFromDealloc((PyObject *)self) < 0) {
        return;
    }
    PyObject_GC_UnTrack(self);
    open_clear(self);
    Py_TYPE(self)->tp_free(self);
}

static PyMethodDef open_methods[] = {
    {"start", (PyCFunction)open_start, METH_NOARGS, "Enter the gates."},
    {"succeed", (PyCFunction)open_succeed, METH_FASTCALL, "The attempt has its answer."},
    {"fail", (PyCFunction)open_fail, METH_O, "The attempt failed."},
    {"run", (PyCFunction)open_run, METH_O, "The whole course around an action."},
    {"send", (PyCFunction)open_send, METH_O, "What was asked for is done."},
    {"throw", (PyCFunction)open_throw, METH_O, "What was asked for failed."},
    {"close", (PyCFunction)open_close, METH_NOARGS, "Leave the gates if nobody has yet."},
    {NULL},
};

static PyTypeObject OpenCall_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pie._core._native.OpenCall",
    .tp_doc = "A call on its way.",
    .tp_basicsize = sizeof(OpenCall),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_vectorcall = open_vectorcall,
    .tp_dealloc = (destructor)open_dealloc,
    .tp_finalize = (destructor)open_finalize,
    .tp_traverse = (traverseproc)open_traverse,
    .tp_clear = (inquiry)open_clear,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = (iternextfunc)open_next,
    .tp_methods = open_methods,
};

int open_call_init(PyObject *module) {
    send_text = PyUnicode_InternFromString("send");
    return send_text == NULL ? -1 : PyModule_AddType(module, &OpenCall_Type);
}
