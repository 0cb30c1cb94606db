/* The body of a reply on its way to the client. A reply that fits what may wait for its client (`KEPT`) is
 * left to the loop; of a longer one, the thread that makes it waits for its client. */
#include "http/deliver.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"
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

/* Sends what was made, and waits while more than KEPT bytes wait. */
static void send_made(Exchange *exchange) {
    Worker *worker = exchange->worker;
    if (worker->out.size == 0 || exchange->gone) {
        worker->out.size = 0;
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
    if (worker->out.size == 0) {
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
    while (!failed && !exchange->gone && (part = PyIter_Next(parts)) != NULL) {
        failed = check_part(exchange, part);
        if (!failed && PyBytes_GET_SIZE(part) > 0) { /* An empty one begins nothing. */
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
    PyObject *filelike = PyObject_GetAttrString(wrapper, "filelike");
    PyObject *number = filelike == NULL ? NULL : PyObject_CallMethod(filelike, "fileno", NULL);
    Py_XDECREF(filelike);
    int fd = number == NULL ? -1 : (int)PyLong_AsLong(number);
    Py_XDECREF(number);
    if (PyErr_Occurred()) {
        PyErr_Clear(); /* It is read like any other body. */
        return -1;
    }
    struct stat found;
    *at = lseek(fd, 0, SEEK_CUR);
    if (*at < 0 || fstat(fd, &found) < 0 || !S_ISREG(found.st_mode) || found.st_size < *at) {
        return -1;
    }
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

static int close_body(PyObject *body) {
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
    int delivered = 0;
    if (!deliver_file(exchange, body)) {
        delivered = PyList_CheckExact(body) || PyTuple_CheckExact(body)
                        ? deliver_sequence(exchange, body)
                        : deliver_iterable(exchange, body);
    }
    PyObject *error = error_take();
    int closed = close_body(body);
    if (error == NULL) {
        return closed;
    }
    if (closed < 0) {
        PyErr_WriteUnraisable(body);
    }
    error_give(error);
    return delivered;
}
