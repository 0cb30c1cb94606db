/* One attempt of a call: take a connection, exchange, read, give back. Python does what is unusual.
 * Twins: pie/rpc/client/{channel,exclusive_pool}.py, pie/rpc/wire/conversation.py. */
#include "client/attempt.h"

#include "base/clock.h"
#include "base/errors.h"
#include "client/connection_state.h"
#include "client/exchange.h"
#include "client/hooks.h"
#include "client/reply.h"
#include "client/request.h"

#define MOST_UNANSWERED 16
#define PORT_SECONDS 1.0 /* how long a port is kept: pools that are not used are dropped */

static uint32_t numbers;

/* --- what Python does --- */

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
                        : PyObject_CallFunctionObjArgs(client_hooks.twin, work->attempt.call,
                                                       work->attempt.method->description, args,
                                                       work->plan->bound, NULL);
}

/* An error of the arguments becomes the call's failure; always NULL. */
static PyObject *arguments_failed(Work *work) {
    PyObject *error = error_take();
    PyObject *raised = PyObject_CallFunctionObjArgs(
        client_hooks.unwritable, work->attempt.call, work->attempt.method->description, error, NULL);
    Py_XDECREF(raised); /* It raises. */
    Py_DECREF(error);
    return NULL;
}

/* Adds to the failure that is set what may be its cause; always NULL. */
static PyObject *exchange_failed(Work *work) {
    PyObject *error = error_take();
    PyObject *done = PyObject_CallFunctionObjArgs(client_hooks.failed, work->attempt.call,
                                                  work->plan->bound, error, NULL);
    if (done == NULL) {
        Py_DECREF(error);
        return NULL;
    }
    Py_DECREF(done);
    error_give(error);
    return NULL;
}

/* --- connections --- */

/* How the call's target is reached, with new references to `found->pool` and `found->addressee`; -1
 * with an exception set. */
static int port_of(Work *work, Port *found) {
    CallObject *call = work->attempt.call;
    PyObject *endpoint = call->target;
    if (endpoint == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "no gate chose an endpoint");
        return -1;
    }
    double patience = work->plan->idle_seconds / 2;
    patience = patience < PORT_SECONDS ? patience : PORT_SECONDS;
    const Port *port = plan_port(work->plan, endpoint, call->attempt_start, patience);
    if (UNLIKELY(port == NULL)) {
        Py_INCREF(endpoint); /* The call might let it go while Python runs. */
        PyObject *made = PyObject_CallFunctionObjArgs(client_hooks.port, (PyObject *)call,
                                                      work->plan->bound, endpoint, NULL);
        port = made == NULL ? NULL
                            : plan_set_port(work->plan, endpoint, call->attempt_start, made);
        Py_XDECREF(made);
        Py_DECREF(endpoint);
        if (port == NULL) {
            return -1;
        }
    }
    *found = *port;
    Py_XINCREF(found->pool);
    Py_INCREF(found->addressee);
    return 0;
}

/* The connection that became idle last, taken out of the list; NULL = none, or an exception. */
static ConnectionState *pop_idle(PyObject *pool) {
    PyObject *idle = PyObject_GetAttr(pool, client_names.idle);
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

/* An idle connection that is still good, or one from Python. NULL with an exception set. */
static ConnectionState *take(Work *work, PyObject *pool) {
    ConnectionState *idle;
    while ((idle = pop_idle(pool)) != NULL) {
        double rested = monotonic_now() - idle->idle_since;
        if (rested <= work->plan->idle_seconds &&
            (rested < work->plan->look_after || !exchange_is_readable(idle->fd))) {
            return idle;
        }
        PyObject *done = PyObject_CallMethodOneArg(pool, client_names.discard, (PyObject *)idle);
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
        PyObject_CallMethodOneArg(pool, client_names.take, (PyObject *)work->attempt.call);
    if (made != NULL && !PyObject_TypeCheck(made, &ConnectionState_Type)) {
        PyErr_Format(PyExc_TypeError, "%R is no connection", made);
        Py_CLEAR(made);
    }
    return (ConnectionState *)made;
}

/* Puts a good connection where the next call finds it, if no call waits; 0 = left to Python. */
static int push_idle(Work *work, PyObject *pool, ConnectionState *connection) {
    PyObject *waiting = PyObject_GetAttr(pool, client_names.waiting);
    PyObject *idle = waiting == NULL ? NULL : PyObject_GetAttr(pool, client_names.idle);
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
static int give_back(Work *work, PyObject *pool, ConnectionState *connection) {
    PyObject *error = error_take();
    int done = 0;
    if (!connection->reusable || !push_idle(work, pool, connection)) {
        PyObject *given =
            PyObject_CallMethodOneArg(pool, client_names.give_back, (PyObject *)connection);
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

/* The twin ends an exchange that ended oddly here: its Frame, or NULL with an exception set. */
static PyObject *conclude(Work *work, ConnectionState *connection, ExchangeEnd end, int error,
                          bool reused) {
    if (end == EXCHANGE_RAISED) {
        return NULL;
    }
    if (end == EXCHANGE_NO_MEMORY) {
        return PyErr_NoMemory();
    }
    PyObject *number = PyLong_FromLong(end), *code = PyLong_FromLong(error);
    PyObject *seqid = PyLong_FromLong(work->attempt.seqid);
    PyObject *came = PyBytes_FromStringAndSize((char *)work->reply.data,
                                               (Py_ssize_t)work->reply.size);
    PyObject *frame = NULL;
    if (number != NULL && code != NULL && came != NULL && seqid != NULL) {
        frame = PyObject_CallMethodObjArgs((PyObject *)connection, client_names.conclude,
                                           work->attempt.call, seqid, number, code, came,
                                           reused ? Py_True : Py_False, NULL);
    }
    Py_XDECREF(seqid);
    Py_XDECREF(number);
    Py_XDECREF(code);
    Py_XDECREF(came);
    return frame;
}

/* Something came back, so the callee speaks this transport. */
static int has_answered(ClientPlan *plan) {
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
        answer = PyObject_CallFunctionObjArgs(client_hooks.read, work->attempt.call,
                                              work->attempt.method->description, frame, seqid,
                                              work->plan->bound, NULL);
    }
    Py_XDECREF(frame);
    Py_XDECREF(seqid);
    return answer;
}

static void count_sent(const Work *work, ConnectionState *connection) {
    if (connection->sent > 0) {
        connection->sent += (long long)work->request.size;
    }
}

/* The value of a whole frame, or its Answer. */
static PyObject *read_reply(Work *work, ConnectionState *connection, const FrameView *view,
                            bool reused) {
    Reply reply;
    Way way = reply_read(&work->attempt, work->reply.data, view, &reply);
    if (UNLIKELY(!reply.in_step)) { /* The twin knows what else may come, and goes on waiting. */
        PyObject *frame = conclude(work, connection, EXCHANGE_ODD, 0, reused);
        return frame == NULL ? NULL : read_by_twin(work, frame);
    }
    count_sent(work, connection);
    /* Bytes behind the reply answer no request: the stream is out of step. */
    connection->reusable = !reply.closing && work->reply.size == view->size;
    Py_CLEAR(connection->unanswered);
    if (LIKELY(way == USUAL)) {
        if (has_answered(work->plan) < 0) {
            Py_CLEAR(reply.value);
        }
        return reply.value;
    }
    if (way == ERROR) {
        return NULL;
    }
    /* All that came: the twin raises an error if it finds another frame in it than C did. */
    return read_by_twin(work, PyBytes_FromStringAndSize((char *)work->reply.data,
                                                        (Py_ssize_t)work->reply.size));
}

/* Remembers a oneway call, which the peer may answer after all. Twin: _note_unanswered of
 * pie/rpc/client/connection.py. */
static int note_unanswered(const Attempt *attempt, ConnectionState *connection) {
    connection->reusable = attempt->keeps_quiet;
    if (!connection->reusable) {
        return 0; /* It is closed. */
    }
    PyObject *made = connection->unanswered;
    if (made == NULL || !PyList_CheckExact(made)) {
        made = PyList_New(0);
        Py_XSETREF(connection->unanswered, made);
    }
    PyObject *pair = made == NULL ? NULL : Py_BuildValue("iO", attempt->seqid, attempt->method->name);
    int done = pair == NULL ? -1 : PyList_Append(made, pair);
    Py_XDECREF(pair);
    if (done == 0 && PyList_GET_SIZE(made) > MOST_UNANSWERED) {
        done = PyList_SetSlice(made, 0, 1, NULL);
    }
    return done;
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
                               call_attempt_ends(work->attempt.call), oneway ? NULL : &view, &error);
    if (UNLIKELY(end != EXCHANGE_DONE)) {
        PyObject *frame = conclude(work, connection, end, error, reused);
        return frame == NULL ? NULL : read_by_twin(work, frame);
    }
    if (oneway) {
        count_sent(work, connection);
        return note_unanswered(&work->attempt, connection) < 0 ? NULL : Py_NewRef(Py_None);
    }
    return read_reply(work, connection, &view, reused);
}

static int note_sent_again(CallObject *call) {
    if (call->notes == NULL) {
        call->notes = PyList_New(0);
    }
    return call->notes == NULL ? -1 : PyList_Append(call->notes, client_hooks.stale_note);
}

/* Sends the request; a connection that had been closed before is replaced by another one. */
static PyObject *send_somewhere(Work *work, PyObject *pool) {
    for (;;) {
        ConnectionState *connection = take(work, pool);
        if (connection == NULL) {
            return NULL;
        }
        PyObject *value = send_on(work, connection);
        if (give_back(work, pool, connection) < 0) {
            Py_XDECREF(value);
            return NULL;
        }
        if (LIKELY(value != NULL) || !PyErr_ExceptionMatches((PyObject *)client_hooks.stale)) {
            return value;
        }
        PyErr_Clear();
        if (note_sent_again(work->attempt.call) < 0) {
            return NULL;
        }
    }
}

PyObject *attempt_run(Work *work) {
    Port port;
    if (port_of(work, &port) < 0) {
        return NULL;
    }
    work->attempt.transport = (Transport)port.transport;
    work->attempt.protocol = (Protocol)port.protocol;
    work->attempt.addressee = port.addressee;
    work->attempt.keeps_quiet = port.keeps_quiet;
    do { /* 0 is what a stopping peer uses. */
        work->attempt.seqid = (int32_t)(++numbers & INT32_MAX);
    } while (work->attempt.seqid == 0);
    work->request.size = 0;
    PyObject *value = NULL;
    Way way = port.pool == NULL ? UNUSUAL : request_write(&work->attempt, &work->request);
    if (way == UNUSUAL) {
        value = attempt_by_twin(work);
    } else if (way == ERROR) {
        arguments_failed(work);
    } else {
        work->attempt.call->request_bytes = (long)work->request.size;
        value = send_somewhere(work, port.pool);
        if (value == NULL) {
            exchange_failed(work);
        }
    }
    Py_XDECREF(port.pool);
    Py_DECREF(port.addressee);
    return value;
}
