/* One attempt of a call: take a connection, exchange, read, give back. What is unusual is asked of Python.
 * Twins: pie/rpc/{channel,conversation,exclusive_pool}.py. */
#include "base/clock.h"
#include "base/errors.h"
#include "client/fast_path.h"

#define ASK_SECONDS 1.0 /* The pools of instances nobody calls are forgotten: ask for them again. */

static PyObject *functions[5]; /* of pie.rpc.client.fast_path */
enum { PORT, TWIN, UNWRITABLE, READ, FAILED };
static const char *const function_names[] = {"port", "twin", "unwritable", "read", "failed"};
static PyObject *stale_class;
static PyObject *idle_name, *waiting_name, *take_name, *give_back_name, *discard_name,
    *conclude_name;
static uint32_t numbers;

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
    Py_INCREF(endpoint); /* It might be let go while Python runs. */
    PyObject *told =
        PyObject_CallFunctionObjArgs(functions[PORT], work->plan->bound, endpoint, NULL);
    PyObject *instance;
    int transport, protocol;
    if (told == NULL || !PyArg_ParseTuple(told, "Oii:port", &instance, &transport, &protocol)) {
        Py_DECREF(endpoint);
        Py_XDECREF(told);
        return -1;
    }
    Port before = *port;
    *port = (Port){endpoint, Py_NewRef(instance), (Transport)transport,
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
    if (count > 0 &&
        PyObject_TypeCheck(PyList_GET_ITEM(idle, count - 1), &ConnectionState_Type)) {
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
PyObject *lane_attempt(Work *work) {
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

int lane_attempt_setup(PyObject *names, PyObject *stale) {
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (lane_take(names, function_names[i], &functions[i]) < 0) {
            return -1;
        }
    }
    call_set(&stale_class, Py_NewRef(stale));
    return 0;
}

int lane_attempt_init(void) {
    return lane_intern(&idle_name, "idle") < 0 || lane_intern(&waiting_name, "waiting") < 0 ||
                   lane_intern(&take_name, "take") < 0 ||
                   lane_intern(&give_back_name, "give_back") < 0 ||
                   lane_intern(&discard_name, "discard") < 0 ||
                   lane_intern(&conclude_name, "conclude") < 0
               ? -1
               : 0;
}
