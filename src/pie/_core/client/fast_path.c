/* The client's fast path: an ordinary call from its arguments to its value. */
#include "client/fast_path.h"

#include "base/clock.h"
#include "call/flow.h"
#include "client/attempt.h"
#include "client/connection_state.h"
#include "client/exchange.h"
#include "client/hooks.h"
#include "codec/program.h"

#define SPARE_BUFFERS 16
#define KEPT_BYTES ((size_t)64 << 10)

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *channel;      /* pie.rpc.client.channel.Channel */
    PyObject *twin;         /* makes any call */
    ClientMethods *methods; /* NULL until they are needed */
    PyObject *service;
    ClientPlan *plan; /* NULL until it is needed */
} FastPath;

/* --- buffers --- */

static Buffer spare[SPARE_BUFFERS];
static int spares;

static Buffer buffer_take(void) {
    return spares > 0 ? spare[--spares] : (Buffer){0};
}

static void buffer_return(Buffer *buffer) {
    buffer_reset(buffer, KEPT_BYTES);
    if (spares < SPARE_BUFFERS) {
        spare[spares++] = *buffer;
    } else {
        buffer_free(buffer);
    }
}

/* --- a call --- */

static int sleep_for(double seconds) {
    PyObject *time = PyImport_ImportModule("time");
    PyObject *slept = time == NULL ? NULL : PyObject_CallMethod(time, "sleep", "d", seconds);
    Py_XDECREF(time);
    Py_XDECREF(slept);
    return slept == NULL ? -1 : 0;
}

/* The value of a call that has its result, or NULL with its declared exception set. */
static PyObject *result_of(CallObject *call) {
    PyObject *result = Py_NewRef(call->result == NULL ? Py_None : call->result);
    if (LIKELY(!Py_IS_TYPE(result, client_hooks.answer))) {
        return result;
    }
    PyObject *value = PyObject_CallMethodNoArgs(result, client_names.get);
    Py_DECREF(result);
    return value;
}

static PyObject *run(Work *work) {
    Flow flow;
    if (flow_init(&flow, (PyObject *)work->attempt.call, work->plan->course) < 0) {
        return NULL;
    }
    Step step = flow_advance(&flow, NULL);
    while (step == STEP_SEND || step == STEP_WAIT) {
        PyObject *value = NULL;
        if (step == STEP_SEND) {
            value = attempt_run(work);
        } else if (sleep_for(flow.delay) == 0) {
            value = Py_NewRef(Py_None);
        }
        step = flow_advance(&flow, value);
        Py_XDECREF(value);
    }
    PyObject *result = step == STEP_DONE ? result_of(work->attempt.call) : NULL;
    flow_clear(&flow);
    return result;
}

/* The endpoints as they stand: a new reference; NULL = not known yet, or an exception. */
static PyObject *candidates_of(const ClientPlan *plan) {
    if (PyTuple_CheckExact(plan->source)) {
        return Py_NewRef(plan->source);
    }
    PyObject *ready = PyObject_GetAttr(plan->source, client_names.ready);
    int known = ready == NULL ? -1 : PyObject_IsTrue(ready);
    Py_XDECREF(ready);
    return known > 0 ? PyObject_GetAttr(plan->source, client_names.instances) : NULL;
}

static CallObject *make_call(const ClientPlan *plan, const Method *method) {
    PyObject *candidates = candidates_of(plan);
    CallObject *call = candidates == NULL ? NULL : call_new(false, true);
    if (call == NULL) {
        Py_XDECREF(candidates);
        return NULL;
    }
    call_set(&call->candidates, candidates);
    call_set(&call->caller, Py_NewRef(plan->caller));
    call_set(&call->caller_cluster, Py_NewRef(plan->caller_cluster));
    call_set(&call->callee, Py_NewRef(plan->callee));
    call_set(&call->callee_cluster, Py_NewRef(plan->callee_cluster));
    call_set(&call->method, Py_NewRef(method->name));
    call_set(&call->pin, Py_NewRef(plan->pin));
    call->timeout = plan->timeout;
    call->usual_timeout = plan->usual_timeout;
    if (plan->note != NULL) {
        call->notes = PyList_New(1);
        if (call->notes == NULL) {
            Py_DECREF(call);
            return NULL;
        }
        PyList_SET_ITEM(call->notes, 0, Py_NewRef(plan->note));
    }
    return call;
}

/* --- whether a call may take the fast path --- */

/* Options of single calls are in force; -1 = error. */
static int has_options(void) {
    PyObject *options;
    if (PyContextVar_Get(client_hooks.options, NULL, &options) < 0) {
        return -1;
    }
    int some = options != NULL && options != Py_None;
    Py_XDECREF(options);
    return some;
}

static int renew_plan(FastPath *self) {
    unsigned generation = plan_generation(); /* Read first: a plan may be out of date at once. */
    PyObject *made = PyObject_CallOneArg(client_hooks.plan, self->channel);
    ClientPlan *plan = made == NULL ? NULL : plan_make(made, generation), *before = self->plan;
    Py_XDECREF(made);
    if (plan == NULL) {
        return -1;
    }
    self->plan = plan;
    Py_XDECREF(before);
    return 0;
}

/* The plan as it stands now: a new reference; NULL with an exception set. */
static ClientPlan *plan_now(FastPath *self) {
    ClientPlan *plan = self->plan;
    if (UNLIKELY(plan == NULL || plan->generation != plan_generation() ||
                 (isfinite(plan->next_look) && monotonic_now() >= plan->next_look)) &&
        renew_plan(self) < 0) {
        return NULL;
    }
    return (ClientPlan *)Py_NewRef(self->plan);
}

/* Borrowed, and the fast path's for good; NULL with an exception set. */
static ClientMethods *methods_of(FastPath *self) {
    if (UNLIKELY(self->methods == NULL)) {
        PyObject *made = PyObject_CallOneArg(client_hooks.methods, self->service);
        if (made != NULL && !Py_IS_TYPE(made, &ClientMethods_Type)) {
            PyErr_Format(PyExc_TypeError, "%R are no methods of a client", made);
            Py_CLEAR(made);
        }
        if (made == NULL) {
            return NULL;
        }
        if (self->methods == NULL) {
            self->methods = (ClientMethods *)made;
        } else { /* Another thread made them meanwhile, and may be using them. */
            Py_DECREF(made);
        }
    }
    return self->methods;
}

/* All arguments are there, and none stands for a default. */
static bool are_plain(const Method *method, PyObject *const *args, Py_ssize_t count) {
    if (count != method->arg_count) {
        return false;
    }
    for (Py_ssize_t i = 0; method->args->makes_defaults && i < count; i++) {
        if (args[i] == Py_None) {
            return false;
        }
    }
    return true;
}

/* The method's order number; -1 = left to the twin, -2 = an exception is set. */
static int method_index(FastPath *self, PyObject *const *args, Py_ssize_t count) {
    ClientMethods *methods = methods_of(self);
    if (methods == NULL) {
        return -2;
    }
    PyObject *index = count < 1 ? NULL : PyDict_GetItemWithError(methods->by_name, args[0]);
    if (index == NULL) {
        return PyErr_Occurred() ? -2 : -1;
    }
    int number = (int)PyLong_AsLong(index);
    return are_plain(&methods->table.methods[number], args + 1, count - 1) ? number : -1;
}

static PyObject *fast_path_call(FastPath *self, PyObject *const *args, size_t flags, PyObject *names) {
    Py_ssize_t count = PyVectorcall_NARGS(flags);
    int some = has_options();
    int index = some == 0 && names == NULL ? method_index(self, args, count) : -1;
    ClientPlan *plan = some < 0 || index == -2 ? NULL : plan_now(self);
    if (plan == NULL) {
        return NULL;
    }
    Work work = {.plan = plan, .count = count - 1};
    if (index >= 0 && plan->usable) {
        Method *method = &self->methods->table.methods[index];
        work.attempt = (Attempt){
            .plan = plan,
            .method = method,
            .call = make_call(plan, method),
            .args = args + 1,
        };
    }
    PyObject *result = NULL;
    if (work.attempt.call != NULL) {
        work.request = buffer_take();
        work.reply = buffer_take();
        result = run(&work);
        buffer_return(&work.request);
        buffer_return(&work.reply);
        Py_DECREF(work.attempt.call);
    } else if (!PyErr_Occurred()) {
        result = PyObject_Vectorcall(self->twin, args, (size_t)count, names);
    }
    Py_XDECREF(work.args);
    Py_DECREF(plan);
    return result;
}

/* --- the type --- */

static PyObject *fast_path_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *channel, *service, *twin;
    if (!PyArg_ParseTuple(args, "OOO:FastPath", &channel, &service, &twin)) {
        return NULL;
    }
    FastPath *self = (FastPath *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->vectorcall = (vectorcallfunc)fast_path_call;
        self->channel = Py_NewRef(channel);
        self->service = Py_NewRef(service);
        self->twin = Py_NewRef(twin);
    }
    return (PyObject *)self;
}

static int fast_path_traverse(FastPath *self, visitproc visit, void *arg) {
    Py_VISIT(self->channel);
    Py_VISIT(self->service);
    Py_VISIT(self->twin);
    Py_VISIT(self->methods);
    return 0;
}

static int fast_path_clear(FastPath *self) {
    Py_CLEAR(self->channel);
    Py_CLEAR(self->service);
    Py_CLEAR(self->twin);
    Py_CLEAR(self->methods);
    Py_CLEAR(self->plan);
    return 0;
}

static void fast_path_dealloc(FastPath *self) {
    PyObject_GC_UnTrack(self);
    fast_path_clear(self);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *fast_path_channel(FastPath *self, void *closure) {
    return Py_NewRef(self->channel);
}

static PyGetSetDef fast_path_properties[] = {
    {"channel", (getter)fast_path_channel, NULL, "Of the client whose calls it makes.", NULL},
    {NULL},
};

static PyTypeObject FastPath_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pie._core._native.FastPath",
    .tp_doc = "FastPath(channel, service, twin): called with a method's name and its arguments.",
    .tp_basicsize = sizeof(FastPath),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_vectorcall_offset = offsetof(FastPath, vectorcall),
    .tp_call = PyVectorcall_Call,
    .tp_new = fast_path_new,
    .tp_dealloc = (destructor)fast_path_dealloc,
    .tp_traverse = (traverseproc)fast_path_traverse,
    .tp_clear = (inquiry)fast_path_clear,
    .tp_getset = fast_path_properties,
};

int client_init(PyObject *module) {
    exchange_init();
    if (client_hooks_init(module) < 0 || plan_init(module) < 0 ||
        connection_state_init(module) < 0) {
        return -1;
    }
    return PyModule_AddType(module, &FastPath_Type);
}
