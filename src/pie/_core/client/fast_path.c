#include "client/fast_path.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/errors.h"
#include "call/flow.h"

#define SPARE_BUFFERS 16
#define KEPT_BYTES ((size_t)64 << 10)

/* Of pie.rpc.client.fast_path and below it. */
static PyObject *options_variable, *runtime_globals, *answer_class, *client_methods_of;
static PyObject *runtime_name, *instances_name, *ready_name;
static PyObject *plan_function, *get_name;
static unsigned forks;

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *channel;      /* pie.rpc.client.channel.Channel */
    PyObject *twin;         /* makes any call */
    ClientMethods *methods; /* NULL until they are needed */
    PyObject *service;
    Plan *plan; /* NULL until it is needed */
    unsigned forks;
} Lane;

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

/* What the caller gets of a call that has its result. */
static PyObject *result_of(CallObject *call) {
    PyObject *result = Py_NewRef(call->result == NULL ? Py_None : call->result);
    if (LIKELY(!Py_IS_TYPE(result, (PyTypeObject *)answer_class))) {
        return result;
    }
    PyObject *value = PyObject_CallMethodNoArgs(result, get_name);
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
            value = lane_attempt(work);
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
static PyObject *candidates_of(const Plan *plan) {
    if (PyTuple_CheckExact(plan->source)) {
        return Py_NewRef(plan->source);
    }
    PyObject *ready = PyObject_GetAttr(plan->source, ready_name);
    int known = ready == NULL ? -1 : PyObject_IsTrue(ready);
    Py_XDECREF(ready);
    return known > 0 ? PyObject_GetAttr(plan->source, instances_name) : NULL;
}

static CallObject *make_call(const Plan *plan, const Method *method) {
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

/* --- whether a call may take the lane --- */

/* Options of single calls are in force; -1 = error. */
static int has_options(void) {
    PyObject *options;
    if (PyContextVar_Get(options_variable, NULL, &options) < 0) {
        return -1;
    }
    int some = options != NULL && options != Py_None;
    Py_XDECREF(options);
    return some;
}

static int renew_plan(Lane *self) {
    PyObject *told = PyObject_CallOneArg(plan_function, self->channel);
    Plan *plan = told == NULL ? NULL : plan_of(told), *before = self->plan;
    Py_XDECREF(told);
    if (plan == NULL) {
        return -1;
    }
    self->plan = plan;
    self->forks = forks;
    Py_XDECREF(before);
    return 0;
}

/* The plan as it stands now: a new reference; NULL with an exception set. */
static Plan *plan_now(Lane *self) {
    Plan *plan = self->plan;
    PyObject *runtime = PyDict_GetItemWithError(runtime_globals, runtime_name);
    if (UNLIKELY(plan == NULL || plan->runtime != runtime || self->forks != forks ||
                 (isfinite(plan->next_look) && monotonic_now() >= plan->next_look))) {
        if (PyErr_Occurred() || renew_plan(self) < 0) {
            return NULL;
        }
    }
    return (Plan *)Py_NewRef(self->plan);
}

/* Borrowed, and the lane's for good; NULL with an exception set. */
static ClientMethods *methods_of(Lane *self) {
    if (UNLIKELY(self->methods == NULL)) {
        PyObject *made = PyObject_CallOneArg(client_methods_of, self->service);
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

/* The method's order number; -1 = the twin sees to it, -2 = an exception is set. */
static int method_index(Lane *self, PyObject *const *args, Py_ssize_t count) {
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

static PyObject *lane_call(Lane *self, PyObject *const *args, size_t flags, PyObject *names) {
    Py_ssize_t count = PyVectorcall_NARGS(flags);
    int some = has_options();
    int index = some == 0 && names == NULL ? method_index(self, args, count) : -1;
    Plan *plan = some < 0 || index == -2 ? NULL : plan_now(self);
    if (plan == NULL) {
        return NULL;
    }
    Work work = {.plan = plan, .count = count - 1};
    if (index >= 0 && plan->usable) {
        Method *method = &self->methods->table.methods[index];
        work.attempt = (Attempt){
            .plan = plan,
            .method = method,
            .client = self->methods->clients[index],
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

static PyObject *lane_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *channel, *service, *twin;
    if (!PyArg_ParseTuple(args, "OOO:Lane", &channel, &service, &twin)) {
        return NULL;
    }
    Lane *self = (Lane *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->vectorcall = (vectorcallfunc)lane_call;
        self->channel = Py_NewRef(channel);
        self->service = Py_NewRef(service);
        self->twin = Py_NewRef(twin);
        self->forks = forks;
    }
    return (PyObject *)self;
}

static int lane_traverse(Lane *self, visitproc visit, void *arg) {
    Py_VISIT(self->channel);
    Py_VISIT(self->service);
    Py_VISIT(self->twin);
    Py_VISIT(self->methods);
    return 0;
}

static int lane_clear(Lane *self) {
    Py_CLEAR(self->channel);
    Py_CLEAR(self->service);
    Py_CLEAR(self->twin);
    Py_CLEAR(self->methods);
    Py_CLEAR(self->plan);
    return 0;
}

static void lane_dealloc(Lane *self) {
    PyObject_GC_UnTrack(self);
    lane_clear(self);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *lane_channel(Lane *self, void *closure) {
    return Py_NewRef(self->channel);
}

static PyGetSetDef lane_properties[] = {
    {"channel", (getter)lane_channel, NULL, "Whose calls it makes.", NULL},
    {NULL},
};

static PyTypeObject Lane_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pie._core._native.Lane",
    .tp_doc = "Lane(channel, service, twin): called with a method's name and its arguments.",
    .tp_basicsize = sizeof(Lane),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_vectorcall_offset = offsetof(Lane, vectorcall),
    .tp_call = PyVectorcall_Call,
    .tp_new = lane_new,
    .tp_dealloc = (destructor)lane_dealloc,
    .tp_traverse = (traverseproc)lane_traverse,
    .tp_clear = (inquiry)lane_clear,
    .tp_getset = lane_properties,
};

/* Takes pie.rpc.client.fast_path as a dict of its names, and what it got from below. */
static PyObject *setup_lane(PyObject *module, PyObject *args) {
    PyObject *names, *methods, *options, *globals, *stale, *answer;
    if (!PyArg_ParseTuple(args, "O!OOO!OO", &PyDict_Type, &names, &methods, &options, &PyDict_Type,
                          &globals, &stale, &answer)) {
        return NULL;
    }
    if (lane_take(names, "plan", &plan_function) < 0 || lane_attempt_setup(names, stale) < 0) {
        return NULL;
    }
    call_set(&client_methods_of, Py_NewRef(methods));
    call_set(&options_variable, Py_NewRef(options));
    call_set(&runtime_globals, Py_NewRef(globals));
    call_set(&answer_class, Py_NewRef(answer));
    Py_RETURN_NONE;
}

static PyMethodDef module_functions[] = {
    {"setup_lane", setup_lane, METH_VARARGS, "What the lane asks of Python."},
    {"client_methods", client_methods, METH_O, "The methods of a service, for its clients."},
    {NULL},
};

/* A child makes plans, and with them connections, of its own. */
static void forked(void) {
    forks++;
}

int lane_intern(PyObject **name, const char *text) {
    *name = PyUnicode_InternFromString(text);
    return *name == NULL ? -1 : 0;
}

int lane_take(PyObject *names, const char *name, PyObject **function) {
    PyObject *found = PyDict_GetItemString(names, name);
    if (found == NULL) {
        PyErr_Format(PyExc_KeyError, "%s", name);
        return -1;
    }
    call_set(function, Py_NewRef(found));
    return 0;
}

int client_init(PyObject *module) {
    if (lane_plan_init() < 0 || lane_attempt_init() < 0 || PyType_Ready(&Lane_Type) < 0 ||
        lane_intern(&runtime_name, "_runtime") < 0 ||
        lane_intern(&instances_name, "instances") < 0 || lane_intern(&ready_name, "ready") < 0 ||
        lane_intern(&get_name, "get") < 0) {
        return -1;
    }
    pthread_atfork(NULL, NULL, forked);
    if (PyModule_AddFunctions(module, module_functions) < 0 ||
        PyModule_AddType(module, &Lane_Type) < 0) {
        return -1;
    }
    return PyModule_AddType(module, &ConnectionState_Type);
}
