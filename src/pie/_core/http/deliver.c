/* The body of a reply on its way to the client. A reply that fits what may wait for its client (`KEPT`) is
 * left to the loop; of a longer one, the thread that makes it waits for its client. */
#include "http/deliver.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/reply.h"
#include "loop/connection.h"
#include "loop/leader.h"
#include "loop/outbox.h"
#include "loop/stream.h"

#define KEPT (1 << 20)  /* bytes of a reply that may wait for its client */
#define PIECE (256 << 10) /* of a long part, which is not copied whole */

static PyObject *close_name;

int deliver_init(void) {
    close_name = PyUnicode_InternFromString("close");
    return close_name == NULL ? -1 : 0;
}

/* Whether nobody is there to send to; what was made is dropped then. A child that the application forked
 * answers nobody, and of what the loop has it may touch nothing. */
static bool is_gone(Exchange *exchange) {
    exchange->gone |= loop_is_copy(exchange->worker->loop);
    if (UNLIKELY(exchange->gone)) {
        exchange->worker->out.size = 0;
    }
    return exchange->gone;
}

/* Without a body nothing is sent that would tell that the peer has gone: its end does. It has all of the
 * reply then. */
static bool has_left(const Exchange *exchange) {
    const Connection *connection = exchange->connection;
    return exchange->ending == HAS_NO_BODY &&
           (connection->readable_to_end || atomic_load(&connection->loop->finished) ||
            atomic_load(&connection->events) & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
}

/* Sends what was made, and waits while more than KEPT bytes wait. */
static void send_made(Exchange *exchange) {
    Worker *worker = exchange->worker;
    if (is_gone(exchange)) {
        return;
    }
    if (worker->out.size == 0) {
        exchange->gone = exchange->begun && has_left(exchange);
        return;
    }
    worker->python = PyEval_SaveThread();
    bool there = connection_stream(worker, exchange->connection, KEPT);
    PyEval_RestoreThread(worker->python);
    exchange->gone = !there;
}

/* Sends a long part piece by piece; what is left of it stays in `out`. */
static int add_long(Exchange *exchange, const uint8_t *data, size_t size, bool last) {
    if (last && exchange->length < 0 && !exchange->begun) {
        exchange->length = (int64_t)size; /* All of it is one part, however it is sent. */
    }
    while (size > PIECE && !exchange->gone) {
        if (exchange_add(exchange, data, PIECE, false) < 0) {
            return -1;
        }
        send_made(exchange);
        data += PIECE;
        size -= PIECE;
    }
    return exchange->gone ? 0 : exchange_add(exchange, data, size, last);
}

static int add(Exchange *exchange, PyObject *part, bool last) {
    const uint8_t *data = (const uint8_t *)PyBytes_AS_STRING(part);
    size_t size = (size_t)PyBytes_GET_SIZE(part);
    return UNLIKELY(size > KEPT) ? add_long(exchange, data, size, last)
                                 : exchange_add(exchange, data, size, last);
}

/* The reply is whole, but the application has not ended: it may have more to do, which the client need
 * not wait for. */
static void hand_over(Exchange *exchange) {
    Worker *worker = exchange->worker;
    if (is_gone(exchange) || worker->out.size == 0) {
        return;
    }
    worker_leave_handler(worker);
    connection_hand_over(worker, exchange->connection);
    worker_enter_handler(worker, monotonic_ns(), false);
}

static int check_part(Exchange *exchange, PyObject *part) {
    if (!PyBytes_Check(part)) {
        PyErr_Format(PyExc_TypeError, "a part of the body must be bytes, not %.100s",
                     Py_TYPE(part)->tp_name);
        return -1;
    }
    if (exchange->status == NULL) {
        PyErr_SetString(PyExc_RuntimeError,
                        "the application made a part of the body before start_response()");
        return -1;
    }
    return 0;
}

int deliver_part(Exchange *exchange, PyObject *part) {
    if (check_part(exchange, part) < 0 || add(exchange, part, false) < 0) {
        return -1;
    }
    send_made(exchange);
    return 0;
}

/* --- What the application returned. --- */

/* A list or a tuple, the usual body: it is all there. */
static int deliver_sequence(Exchange *exchange, PyObject *body) {
    Py_ssize_t count = PySequence_Fast_GET_SIZE(body);
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(body) && !exchange->gone; i++) {
        PyObject *part = Py_NewRef(PySequence_Fast_GET_ITEM(body, i));
        int added = check_part(exchange, part) < 0 ? -1 : add(exchange, part, count == 1);
        Py_DECREF(part);
        if (added < 0) {
            return -1;
        }
        if (exchange->worker->out.size > KEPT) {
            send_made(exchange);
        }
    }
    return 0;
}

static int deliver_iterable(Exchange *exchange, PyObject *body) {
    PyObject *parts = PyObject_GetIter(body);
    if (parts == NULL) {
        return -1;
    }
    PyObject *part = NULL;
    int failed = 0;
    bool too_much = false; /* More than was promised came: there may be no end of it. */
    while (!failed && !exchange->gone && !too_much && (part = PyIter_Next(parts)) != NULL) {
        failed = check_part(exchange, part);
        if (!failed && PyBytes_GET_SIZE(part) > 0) { /* An empty one begins nothing. */
            too_much = exchange->whole;
            failed = add(exchange, part, false);
            if (exchange->whole) {
                hand_over(exchange);
            } else if (!failed) {
                send_made(exchange);
            }
        }
        Py_DECREF(part);
    }
    Py_DECREF(parts);
    return failed || PyErr_Occurred() ? -1 : 0;
}

/* A descriptor of its own for a file that can be sent without being read here; -1 = it is none. */
static int file_of(PyObject *wrapper, off_t *at, size_t *size) {
    PyObject *stored = PyObject_CallMethod(wrapper, "stored", NULL);
    int fd = -1;
    long long from = -1;
    if (stored != NULL && stored != Py_None && !PyArg_ParseTuple(stored, "iL", &fd, &from)) {
        fd = -1;
    }
    Py_XDECREF(stored);
    if (PyErr_Occurred()) {
        PyErr_Clear(); /* It is read like any other body. */
        return -1;
    }
    struct stat found;
    /* A file of the system's own, as in /proc, has no size before it is read. */
    if (from < 0 || fstat(fd, &found) < 0 || !S_ISREG(found.st_mode) || found.st_size <= from) {
        return -1;
    }
    *at = (off_t)from;
    *size = (size_t)(found.st_size - *at);
    return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

/* True if the body is a file that the loop sends. */
static bool deliver_file(Exchange *exchange, PyObject *body) {
    off_t at;
    size_t size;
    if (!Py_IS_TYPE(body, exchange->server->file_wrapper) || exchange->begun ||
        exchange->status == NULL) {
        return false;
    }
    int fd = file_of(body, &at, &size);
    if (fd < 0) {
        return false;
    }
    if (exchange->length >= 0 && (uint64_t)exchange->length < size) {
        size = (size_t)exchange->length;
    }
    if (exchange_head(exchange, size) < 0) {
        close(fd);
        PyErr_Clear();
        exchange->gone = true;
        return true;
    }
    Worker *worker = exchange->worker;
    size = exchange->ending == HAS_NO_BODY ? 0 : size;
    worker->python = PyEval_SaveThread();
    connection_send(exchange->connection, &worker->out);
    connection_send_file(exchange->connection, fd, at, size);
    PyEval_RestoreThread(worker->python);
    exchange->sent = size;
    return true;
}

int deliver_end(PyObject *body) {
    if (PyList_CheckExact(body) || PyTuple_CheckExact(body)) {
        return 0;
    }
    PyObject *close = PyObject_GetAttr(body, close_name);
    if (close == NULL) {
        bool none = PyErr_ExceptionMatches(PyExc_AttributeError);
        if (none) {
            PyErr_Clear();
        }
        return none ? 0 : -1;
    }
    PyObject *closed = PyObject_CallNoArgs(close);
    Py_DECREF(close);
    Py_XDECREF(closed);
    return closed == NULL ? -1 : 0;
}

int deliver_body(Exchange *exchange, PyObject *body) {
    if (is_gone(exchange) || deliver_file(exchange, body)) {
        return 0;
    }
    return PyList_CheckExact(body) || PyTuple_CheckExact(body) ? deliver_sequence(exchange, body)
                                                               : deliver_iterable(exchange, body);
}
