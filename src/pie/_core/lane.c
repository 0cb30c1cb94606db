#include "lane.h"

#include <pthread.h>

#include "clock.h"
#include "errors.h"
#include "flow.h"

#define SPARE_BUFFERS 16
#define KEPT_BYTES ((size_t)64 << 10)
#define ASK_SECONDS 1.0 /* The pools of instances nobody calls are forgotten: ask for them again. */

/* Of pie.rpc.lane and below it. */
static PyObject *options_variable, *runtime_globals, *stale_class, *answer_class, *client_methods_of;
static PyObject *runtime_name, *instances_name, *ready_name, *idle_name, *waiting_name;
static PyObject *functions[6];
enum { PLAN, PORT, TWIN, UNWRITABLE, READ, FAILED };
static const char *const function_names[] = {"plan", "port", "twin", "unwritable", "read", "failed"};
static PyObject *take_name, *give_back_name, *discard_name, *conclude_name, *get_name;
static unsigned forks;
static uint32_t numbers;

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *channel;      /* pie.rpc.channel.Channel */
    PyObject *twin;         /* makes any call */
    ClientMethods *methods; /* NULL until they are needed */
    PyObject *service;
    Plan *plan; /* NULL until it is needed */
    unsigned forks;
} Lane;

/* What one call of a lane works on. */
typedef struct {
    Lane *lane;
    Plan *plan; /* owned: the lane may get another one meanwhile */
    PyObject *args; /* a tuple, for the twin; made when it is needed */
    Attempt attempt;
    Py_ssize_t count;
    Buffer request, reply;
} Work;

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

/* --- asking Python --- */

/* The arguments as a tuple; NULL with an exception set. Borrowed. */
static PyObject *args_of(Work *work) {
    if (work->args == NULL && (work->args = PyTuple_New(work->count)) != NULL) {
        for (Py_ssize_t i = 0; i < work->count; i++) {
            PyTuple_SET_ITEM(work->args, i, Py_NewRef(work->attempt.args[i]));
        }
    }
    return work->args;
}

/* A whole attempt by the twin. */
static PyObject *attempt_by_twin(Work *work) {
    PyObject *args = args_of(work);
    return args == NULL ? NULL
                        : PyObject_CallFunctionObjArgs(functions[TWIN], work->attempt.call,
                                                       work->attempt.method->description, args,
                                                       work->plan->bound, NULL);
}

/* An error of the arguments becomes the call's failure; always NULL. */
static PyObject *arguments_failed(Work *work) {
    PyObject *error = error_take();
    PyObject *raised = PyObject_CallFunctionObjArgs(
        functions[UNWRITABLE], work->attempt.call, work->attempt.method->description, error, NULL);
    Py_XDECREF(raised); /* It raises. */
    Py_DECREF(error);
    return NULL;
}

/* What may be behind a failure is added to it, which stays set; always NULL. */
static PyObject *exchange_failed(Work *work) {
    PyObject *error = error_take();
    PyObject *told = PyObject_CallFunctionObjArgs(functions[FAILED], work->attempt.call,
                                                  work->plan->bound, error, NULL);
    if (told == NULL) {
        Py_DECREF(error);
        return NULL;
    }
    Py_DECREF(told);
    error_give(error);
    return NULL;
}

/* --- connections --- */

/* How the call's target is reached, with a new reference to `found->instance`; -1 with an exception
 * set. */
static int port_of(Work *work, Port *found) {
    CallObject *call = work->attempt.call;
    PyObject *endpoint = call->target;
    if (endpoint == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "no gate chose an endpoint");
        return -1;
    }
    Port *port = &work->plan->ports[((uintptr_t)endpoint >> 4) % PORTS];
    double patience = work->plan->idle_seconds / 2;
    patience = patience < ASK_SECONDS ? patience : ASK_SECONDS;
    if (LIKELY(port->endpoint == endpoint && call->attempt_start - port->asked < patience)) {
        *found = *port;
        Py_INCREF(found->instance);
        return 0;
    }
    PyObject *told =
        PyObject_CallFunctionObjArgs(functions[PORT], work->plan->bound, endpoint, NULL);
    PyObject *instance;
    int transport, protocol;
    if (told == NULL || !PyArg_ParseTuple(told, "Oii:port", &instance, &transport, &protocol)) {
        Py_XDECREF(told);
        return -1;
    }
    Port before = *port;
    *port = (Port){Py_NewRef(endpoint), Py_NewRef(instance), (Transport)transport,
                   (Protocol)protocol, call->attempt_start};
    *found = *port;
    Py_INCREF(found->instance);
    Py_DECREF(told);
    Py_XDECREF(before.endpoint);
    Py_XDECREF(before.instance);
    return 0;
}

/* The connection that became idle last, taken out of the list; NULL = none, or an exception. */
static ConnectionState *pop_idle(PyObject *instance) {
    PyObject *idle = PyObject_GetAttr(instance, idle_name);
    if (idle == NULL) {
        return NULL;
    }
    Py_ssize_t count = PyList_Check(idle) ? PyList_GET_SIZE(idle) : 0;
    PyObject *last = NULL;
    if (count > 0) {
        last = Py_NewRef(PyList_GET_ITEM(idle, count - 1));
        if (PyList_SetSlice(idle, count - 1, count, NULL) < 0) {
            Py_CLEAR(last);
        }
    }
    Py_DECREF(idle);
    return (ConnectionState *)last;
}

/* An idle connection that is still good, or what Python has. NULL with an exception set. */
static ConnectionState *take(Work *work, PyObject *instance) {
    ConnectionState *idle;
    while ((idle = pop_idle(instance)) != NULL) {
        double rested = monotonic_now() - idle->idle_since;
        if (rested <= work->plan->idle_seconds &&
            (rested < work->plan->look_after || !exchange_is_readable(idle->fd))) {
            return idle;
        }
        PyObject *done = PyObject_CallMethodOneArg(instance, discard_name, (PyObject *)idle);
        Py_DECREF(idle);
        if (done == NULL) {
            return NULL;
        }
        Py_DECREF(done);
    }
    if (PyErr_Occurred()) {
        return NULL;
    }
    PyObject *made =
        PyObject_CallMethodOneArg(instance, take_name, (PyObject *)work->attempt.call);
    if (made != NULL && !PyObject_TypeCheck(made, &ConnectionState_Type)) {
        PyErr_Format(PyExc_TypeError, "%R is no connection", made);
        Py_CLEAR(made);
    }
    return (ConnectionState *)made;
}

/* Puts a good connection where the next call finds it, if nobody waits; 0 = Python must see to it. */
static int push_idle(Work *work, PyObject *instance, ConnectionState *connection) {
    PyObject *waiting = PyObject_GetAttr(instance, waiting_name);
    PyObject *idle = waiting == NULL ? NULL : PyObject_GetAttr(instance, idle_name);
    int pushed = 0;
    if (idle != NULL && PyObject_Size(waiting) == 0 && PyList_Check(idle) &&
        PyList_GET_SIZE(idle) < work->plan->max_idle) {
        connection->idle_since = monotonic_now();
        pushed = PyList_Append(idle, (PyObject *)connection) == 0;
    }
    PyErr_Clear();
    Py_XDECREF(waiting);
    Py_XDECREF(idle);
    return pushed;
}

/* Gives a connection back, taking over the reference. An exception that is set stays. */
static int give_back(Work *work, PyObject *instance, ConnectionState *connection) {
    PyObject *error = error_take();
    int done = 0;
    if (!connection->reusable || !push_idle(work, instance, connection)) {
        PyObject *given =
            PyObject_CallMethodOneArg(instance, give_back_name, (PyObject *)connection);
        done = given == NULL ? -1 : 0;
        Py_XDECREF(given);
    }
    Py_DECREF(connection);
    if (error != NULL) {
        PyErr_Clear();
        error_give(error);
    }
    return done;
}

/* --- an attempt --- */

/* The twin says what an odd end of an exchange means, or reads on: its Frame. */
static PyObject *conclude(Work *work, ConnectionState *connection, ExchangeEnd end, int error,
                          bool reused) {
    if (end == EXCHANGE_RAISED) {
        return NULL;
    }
    if (end == EXCHANGE_NO_MEMORY) {
        return PyErr_NoMemory();
    }
    PyObject *number = PyLong_FromLong(end), *code = PyLong_FromLong(error);
    PyObject *came = PyBytes_FromStringAndSize((char *)work->reply.data,
                                               (Py_ssize_t)work->reply.size);
    PyObject *frame = NULL;
    if (number != NULL && code != NULL && came != NULL) {
        frame = PyObject_CallMethodObjArgs((PyObject *)connection, conclude_name,
                                           work->attempt.call, number, code, came,
                                           reused ? Py_True : Py_False, NULL);
    }
    Py_XDECREF(number);
    Py_XDECREF(code);
    Py_XDECREF(came);
    return frame;
}

/* Something came back: whatever fails now, the callee speaks as it is spoken to. */
static int has_answered(Plan *plan) {
    if (UNLIKELY(!plan->answered)) {
        plan->answered = PyObject_SetAttrString(plan->bound, "answered", Py_True) == 0;
        return plan->answered ? 0 : -1;
    }
    return 0;
}

/* An Answer, from a Frame or the bytes of one; takes over the reference. */
static PyObject *read_by_twin(Work *work, PyObject *frame) {
    PyObject *seqid = frame == NULL ? NULL : PyLong_FromLong(work->attempt.seqid);
    PyObject *answer = NULL;
    if (seqid != NULL) {
        answer = PyObject_CallFunctionObjArgs(functions[READ], work->attempt.call,
                                              work->attempt.method->description, frame, seqid,
                                              work->plan->bound, NULL);
    }
    Py_XDECREF(frame);
    Py_XDECREF(seqid);
    return answer;
}

/* The value of a whole frame, or its Answer. */
static PyObject *read_reply(Work *work, ConnectionState *connection, const FrameView *view) {
    Reply reply;
    Way way = reply_read(&work->attempt, work->reply.data, view, &reply);
    /* Bytes behind the reply were never asked for: the stream is out of step. */
    connection->reusable = reply.in_step && !reply.closing && work->reply.size == view->size;
    if (LIKELY(way == USUAL)) {
        if (has_answered(work->plan) < 0) {
            Py_CLEAR(reply.value);
        }
        return reply.value;
    }
    if (way == ERROR) {
        return NULL;
    }
    /* All that came: a twin that finds another frame in it than C says so. */
    return read_by_twin(work, PyBytes_FromStringAndSize((char *)work->reply.data,
                                                        (Py_ssize_t)work->reply.size));
}

/* Sends the request on a connection; its value or Answer. */
static PyObject *send_on(Work *work, ConnectionState *connection) {
    bool reused = connection->used, oneway = work->attempt.method->result == NULL;
    connection->used = true;
    connection->reusable = false;
    FrameView view;
    int error = 0;
    work->reply.size = 0;
    ExchangeEnd end = exchange(connection->fd, &work->request, &work->reply,
                               work->attempt.call->deadline, oneway ? NULL : &view, &error);
    if (UNLIKELY(end != EXCHANGE_DONE)) {
        PyObject *frame = conclude(work, connection, end, error, reused);
        return frame == NULL ? NULL : read_by_twin(work, frame);
    }
    if (connection->sent > 0) {
        connection->sent += (long long)work->request.size;
    }
    if (oneway) {
        connection->reusable = true;
        Py_RETURN_NONE;
    }
    return read_reply(work, connection, &view);
}

static int note_sent_again(Work *work) {
    PyObject *note = PyObject_GetAttrString(stale_class, "note");
    PyObject *notes = PyObject_GetAttrString((PyObject *)work->attempt.call, "notes");
    int done = note == NULL || notes == NULL ? -1 : PyList_Append(notes, note);
    Py_XDECREF(note);
    Py_XDECREF(notes);
    return done;
}

/* Sends the request; a connection that had been closed before is replaced by another one. */
static PyObject *send_somewhere(Work *work, PyObject *instance) {
    for (;;) {
        ConnectionState *connection = take(work, instance);
        if (connection == NULL) {
            return NULL;
        }
        PyObject *value = send_on(work, connection);
        if (give_back(work, instance, connection) < 0) {
            Py_XDECREF(value);
            return NULL;
        }
        if (LIKELY(value != NULL) || !PyErr_ExceptionMatches(stale_class)) {
            return value;
        }
        PyErr_Clear();
        if (note_sent_again(work) < 0) {
            return NULL;
        }
    }
}

/* The value or Answer of one attempt; NULL with an exception set. */
static PyObject *attempt(Work *work) {
    Port port;
    if (port_of(work, &port) < 0) {
        return NULL;
    }
    work->attempt.transport = port.transport;
    work->attempt.protocol = port.protocol;
    work->attempt.seqid = (int32_t)(++numbers & INT32_MAX);
    work->request.size = 0;
    PyObject *value = NULL;
    bool only_twin = port.instance == Py_None;
    Way way = only_twin ? UNUSUAL : request_write(&work->attempt, &work->request);
    if (way == UNUSUAL) {
        value = attempt_by_twin(work);
    } else if (way == ERROR) {
        arguments_failed(work);
    } else {
        work->attempt.call->request_bytes = (long)work->request.size;
        value = send_somewhere(work, port.instance);
        if (value == NULL) {
            exchange_failed(work);
        }
    }
    Py_DECREF(port.instance);
    return value;
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
            value = attempt(work);
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
    PyObject *told = PyObject_CallOneArg(functions[PLAN], self->channel);
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

/* Borrowed; NULL with an exception set. */
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
        Py_XSETREF(self->methods, (ClientMethods *)made);
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
    Work work = {.lane = self, .plan = plan, .count = count - 1};
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

/* Takes pie.rpc.lane as a dict of its names, and what it got from below. */
static PyObject *setup_lane(PyObject *module, PyObject *args) {
    PyObject *names, *methods, *options, *globals, *stale, *answer;
    if (!PyArg_ParseTuple(args, "O!OOO!OO", &PyDict_Type, &names, &methods, &options, &PyDict_Type,
                          &globals, &stale, &answer)) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        PyObject *function = PyDict_GetItemString(names, function_names[i]);
        if (function == NULL) {
            return PyErr_Format(PyExc_KeyError, "%s", function_names[i]);
        }
        call_set(&functions[i], Py_NewRef(function));
    }
    call_set(&client_methods_of, Py_NewRef(methods));
    call_set(&options_variable, Py_NewRef(options));
    call_set(&runtime_globals, Py_NewRef(globals));
    call_set(&stale_class, Py_NewRef(stale));
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

static int intern(PyObject **name, const char *text) {
    *name = PyUnicode_InternFromString(text);
    return *name == NULL ? -1 : 0;
}

int client_init(PyObject *module) {
    if (lane_plan_init() < 0 || PyType_Ready(&Lane_Type) < 0 ||
        intern(&runtime_name, "_runtime") < 0 || intern(&instances_name, "instances") < 0 ||
        intern(&ready_name, "ready") < 0 || intern(&idle_name, "idle") < 0 ||
        intern(&waiting_name, "waiting") < 0 || intern(&take_name, "take") < 0 ||
        intern(&give_back_name, "give_back") < 0 || intern(&discard_name, "discard") < 0 ||
        intern(&conclude_name, "conclude") < 0 || intern(&get_name, "get") < 0) {
        return -1;
    }
    pthread_atfork(NULL, NULL, forked);
    if (PyModule_AddFunctions(module, module_functions) < 0 ||
        PyModule_AddType(module, &Lane_Type) < 0) {
        return -1;
    }
    return PyModule_AddType(module, &ConnectionState_Type);
}
