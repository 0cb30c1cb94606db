/* A request answered by a WSGI application. */
#include "http/application.h"

#include <unistd.h>

#include "base/errors.h"
#include "http/deliver.h"
#include "http/refusal.h"
#include "http/reply.h"
#include "http/start_response.h"
#include "http/upgrade.h"
#include "loop/connection.h"
#include "loop/hooks.h"
#include "loop/leader.h"
#include "loop/outbox.h"

#define VIEW_SLOW_NS 200000 /* what takes longer on average gets its thread to itself */
#define AVERAGE_OVER 8
#define OVERLOADED "pie.overloaded" /* pie.web.wsgi.OVERLOADED_KEY */

/* --- How long it takes. --- */

/* The estimate for requests of this kind: verb and the first two segments of the path. Kinds that share
 * one share their estimate. */
static int32_t *view_of(Exchange *exchange) {
    const RequestHead *head = exchange->head;
    const uint8_t *path = span_at(exchange->bytes, head->path);
    uint32_t hash = 2166136261u ^ (uint32_t)head->verb;
    int segments = 0;
    for (uint32_t i = 0; i < head->path.size; i++) {
        segments += path[i] == '/';
        if (segments > 2) {
            break;
        }
        hash = (hash ^ path[i]) * 16777619u; /* FNV-1a */
    }
    return &exchange->server->views[(hash ^ hash >> 16) & (VIEWS - 1)];
}

/* A single request that took very long does not make its view a slow one. */
static void observe(int32_t *average, int64_t took) {
    took = took > 2 * VIEW_SLOW_NS ? 2 * VIEW_SLOW_NS : took;
    *average += (int32_t)(took - *average) / AVERAGE_OVER;
}

/* --- What it is given. --- */

static PyObject *input_of(const HttpObject *server, const Input *input) {
    if (input->file >= 0) {
        PyObject *file = lseek(input->file, 0, SEEK_SET) < 0
                             ? PyErr_SetFromErrno(PyExc_OSError)
                             : PyObject_CallFunction(server->file_input, "i", input->file);
        if (file == NULL) {
            close(input->file);
        }
        return file;
    }
    if (input->size == 0) {
        return PyObject_CallNoArgs(server->empty_input);
    }
    PyObject *bytes = PyBytes_FromStringAndSize((const char *)input->data, (Py_ssize_t)input->size);
    PyObject *made = bytes == NULL ? NULL : PyObject_CallOneArg(server->bytes_input, bytes);
    Py_XDECREF(bytes);
    return made;
}

static PyObject *environ_of(Exchange *exchange, const Input *input, double received) {
    HttpObject *server = exchange->server;
    const RequestHead *head = exchange->head;
    Forwarded forwarded;
    EnvironOrigin origin = {
        .peer = exchange->connection->peer,
        .input = exchange->input = input_of(server, input),
        .received = received,
        .body_size = head->chunked ? (int64_t)input->size : -1,
    };
    if (origin.input == NULL) {
        return NULL;
    }
    if (server->networks.count + server->networks.unix_peers > 0 &&
        networks_have_peer(&server->networks, exchange->connection->peer)) {
        forwarded_read(exchange->bytes, head, &server->networks, &forwarded);
        origin.forwarded = &forwarded;
    }
    PyObject *environ = environ_new(&server->base, exchange->bytes, head, &origin);
    if (environ != NULL && UNLIKELY(exchange->worker->refusing) &&
        PyDict_SetItemString(environ, OVERLOADED, Py_True) < 0) {
        Py_CLEAR(environ);
    }
    return environ;
}

/* A file is closed now, whoever still has it. */
static void end_input(Exchange *exchange, const Input *input) {
    PyObject *closed = exchange->input == NULL || input->file < 0
                           ? NULL
                           : PyObject_CallMethod(exchange->input, "close", NULL);
    if (closed == NULL && PyErr_Occurred()) {
        PyErr_WriteUnraisable(exchange->input);
    }
    Py_XDECREF(closed);
    Py_CLEAR(exchange->input);
}

/* --- Its answer. --- */

/* Logs what the application raised, or that it made too little. */
static void tell(const Exchange *exchange, const char *text) {
    if (exchange->gone && PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_ConnectionError)) {
        PyErr_Clear(); /* That the client has gone is no error of the application. */
        return;
    }
    const RequestHead *head = exchange->head;
    PyObject *error = error_take();
    PyObject *hook = exchange->server->hooks.failed;
    PyObject *path = PyUnicode_DecodeUTF8((const char *)span_at(exchange->bytes, head->path),
                                          (Py_ssize_t)head->path.size, "backslashreplace");
    PyObject *told =
        path == NULL ? NULL
                     : PyObject_CallFunction(hook, "ss#OsO", exchange->connection->peer,
                                             span_at(exchange->bytes, head->method),
                                             (Py_ssize_t)head->method.size, path, text,
                                             error == NULL ? Py_None : error);
    Py_XDECREF(path);
    if (told == NULL) {
        PyErr_WriteUnraisable(hook);
    }
    Py_XDECREF(told);
    Py_XDECREF(error);
}

/* -1 = it failed, which is logged. */
static int deliver(Exchange *exchange, PyObject *body) {
    int done = deliver_body(exchange, body);
    if (done == 0 && exchange->status == NULL && !exchange->gone) {
        PyErr_SetString(PyExc_RuntimeError, "the application did not call start_response()");
        done = -1;
    }
    if (done < 0) {
        tell(exchange, "");
    }
    if (deliver_end(body) < 0) {
        tell(exchange, ""); /* The reply is whole all the same. */
    }
    return done;
}

/* What the application returned; NULL with an exception set. */
static PyObject *call(Exchange *exchange, PyObject *environ, PyObject *start_response) {
    if (UNLIKELY(exchange->head->upgrade) &&
        upgrade_offer(exchange, environ, start_response) < 0) {
        return NULL;
    }
    PyObject *arguments[] = {NULL, environ, start_response};
    return PyObject_Vectorcall(exchange->server->app, arguments + 1,
                               2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
}

/* -1 = it failed, which is logged. */
static int run(Exchange *exchange, PyObject *environ) {
    PyObject *start_response = start_response_new(exchange);
    if (start_response == NULL) {
        tell(exchange, "");
        return -1;
    }
    PyObject *body = call(exchange, environ, start_response);
    int done = -1;
    if (body == NULL && exchange->taken && PyErr_ExceptionMatches(PyExc_StopIteration)) {
        PyErr_Clear(); /* So an application ends that took the connection over. */
        done = 0;
    } else if (body == NULL) {
        tell(exchange, "");
    } else {
        done = deliver(exchange, body);
        Py_DECREF(body);
    }
    start_response_end(start_response);
    Py_DECREF(start_response);
    return done;
}

static Answer answer_failed(Exchange *exchange) {
    if (exchange->whole && !exchange->gone) { /* The client gets all of what failed too late. */
        return exchange->keep_alive ? ANSWER_READY : ANSWER_LAST;
    }
    exchange->worker->out.size = 0;
    if (exchange->begun) {
        return ANSWER_BROKEN; /* The client sees that the reply is cut. */
    }
    bool keep = exchange->head->keep_alive && !atomic_load(&exchange->connection->loop->draining);
    failure_write(&exchange->worker->out, keep, exchange->head->verb == VERB_HEAD);
    return keep ? ANSWER_READY : ANSWER_LAST;
}

static Answer answer_done(Exchange *exchange) {
    if (exchange->gone) {
        exchange->worker->out.size = 0;
        return ANSWER_BROKEN;
    }
    if (!exchange->begun && exchange_add(exchange, (const uint8_t *)"", 0, true) < 0) {
        tell(exchange, "");
        return answer_failed(exchange);
    }
    if (!exchange_end(exchange)) {
        tell(exchange, "the application's body is shorter than its Content-Length");
        connection_send(exchange->connection, &exchange->worker->out);
        return ANSWER_BROKEN;
    }
    return exchange->keep_alive ? ANSWER_READY : ANSWER_LAST;
}

/* With the GIL. */
static Answer answer(Exchange *exchange, const Input *input, double received) {
    PyObject *environ = environ_of(exchange, input, received);
    if (environ == NULL) {
        tell(exchange, "");
        return answer_failed(exchange);
    }
    Worker *worker = exchange->worker;
    int32_t *average = view_of(exchange);
    int64_t start = monotonic_ns();
    worker_enter_handler(worker, start, *average > VIEW_SLOW_NS);
    int done = run(exchange, environ);
    worker_leave_handler(worker);
    observe(average, monotonic_ns() - start);
    Py_DECREF(environ);
    return done < 0 ? answer_failed(exchange) : answer_done(exchange);
}

Answer application_answer(Exchange *exchange, const Input *input, double received) {
    Worker *worker = exchange->worker;
    PyEval_RestoreThread(worker->python);
    keep_one_parked(worker);
    Answer given = answer(exchange, input, received);
    if (UNLIKELY(loop_is_copy(worker->loop))) {
        PyObject *ended = PyObject_CallNoArgs(worker->loop->hooks.end_forked_child);
        Py_XDECREF(ended); /* It ends this process. */
    }
    upgrade_end(exchange);
    end_input(exchange, input);
    Py_CLEAR(exchange->status);
    buffer_free(&exchange->fields);
    worker->python = PyEval_SaveThread();
    return given;
}
