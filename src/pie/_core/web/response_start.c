/* The application's start_response, and the `write` that it returns. Twin: start of
 * pie/web/response.py. */
#include "web/response_start.h"

#include "web/environ_text.h"
#include "web/hooks.h"

/* --- the status --- */

/* -1 with an exception set: a Failure that says what was given. */
static int read_status(PyObject *status, long *number) {
    if (LIKELY(PyUnicode_CheckExact(status))) {
        Py_ssize_t size;
        const char *text = ascii_of(status, &size);
        long long usual = text == NULL || size < 3 ? -1 : ascii_number(text, 3);
        if (LIKELY(usual >= 0)) {
            *number = (long)usual;
            return 0;
        }
    }
    PyObject *read = PyObject_CallOneArg(web_hooks.read_status, status);
    *number = read == NULL ? -1 : PyLong_AsLong(read);
    Py_XDECREF(read);
    return PyErr_Occurred() ? -1 : 0;
}

/* --- headers --- */

/* Whether a name of the same length is this one, which is given in lower case. */
static bool is_name(const char *text, const char *lower, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if ((text[i] | 0x20) != lower[i] && text[i] != lower[i]) {
            return false;
        }
    }
    return true;
}

/* Looks at one header: false = it is one that the twin has to look at. */
static bool look_at(PyObject *header, Py_ssize_t *length) {
    static const char length_name[] = "content-length", logid[] = "x-tt-logid", unsent[] = "pie-unsent";
    enum { LENGTH_SIZE = sizeof length_name - 1, OUR_SIZE = sizeof logid - 1 };
    _Static_assert(sizeof logid == sizeof unsent, "our headers have names of one length");
    if (!PyTuple_CheckExact(header) || PyTuple_GET_SIZE(header) != 2 ||
        !PyUnicode_CheckExact(PyTuple_GET_ITEM(header, 0))) {
        return false;
    }
    Py_ssize_t size;
    const char *name = ascii_of(PyTuple_GET_ITEM(header, 0), &size);
    if (name == NULL) {
        return false;
    }
    if (size == OUR_SIZE) {
        return !is_name(name, logid, OUR_SIZE) && !is_name(name, unsent, OUR_SIZE);
    }
    if (size == LENGTH_SIZE && is_name(name, length_name, LENGTH_SIZE)) {
        PyObject *value = PyTuple_GET_ITEM(header, 1);
        const char *digits = PyUnicode_CheckExact(value) ? ascii_of(value, &size) : NULL;
        *length = digits == NULL ? -1 : (Py_ssize_t)ascii_number(digits, size);
        return digits != NULL;
    }
    return true;
}

/* The headers with Pie's: a new list; NULL without an exception = the twin has to make it. */
static PyObject *add_header(PyObject *headers, PyObject *logid, Py_ssize_t *length) {
    if (!PyList_CheckExact(headers)) {
        return NULL;
    }
    Py_ssize_t size = PyList_GET_SIZE(headers);
    for (Py_ssize_t i = 0; i < size; i++) {
        if (!look_at(PyList_GET_ITEM(headers, i), length)) {
            return NULL;
        }
    }
    PyObject *added = PyTuple_Pack(2, web_names.logid_header, logid);
    PyObject *whole = added == NULL ? NULL : PyList_New(size + 1);
    if (whole == NULL || PyList_GET_SIZE(headers) != size) { /* A collection has run Python. */
        Py_XDECREF(added);
        Py_XDECREF(whole);
        return NULL;
    }
    for (Py_ssize_t i = 0; i < size; i++) {
        PyList_SET_ITEM(whole, i, Py_NewRef(PyList_GET_ITEM(headers, i)));
    }
    PyList_SET_ITEM(whole, size, added);
    return whole;
}

static PyObject *read_headers(PyObject *headers, PyObject *logid, Py_ssize_t *length) {
    Py_ssize_t found = *length;
    PyObject *whole = add_header(headers, logid, &found);
    if (LIKELY(whole != NULL)) {
        *length = found;
        return whole;
    }
    if (PyErr_Occurred()) {
        return NULL;
    }
    PyObject *read = PyObject_CallFunction(web_hooks.read_headers, "OOn", headers, logid, *length);
    if (read != NULL && PyArg_ParseTuple(read, "On", &whole, length)) {
        Py_INCREF(whole);
    } else {
        whole = NULL;
    }
    Py_XDECREF(read);
    return whole;
}

/* --- write --- */

static PyObject *write_data(Response *self, PyObject *data) {
    Py_ssize_t size = PyObject_Size(data);
    if (size < 0) {
        return NULL;
    }
    self->call->response_bytes += size;
    if (self->server_write == NULL) {
        PyErr_SetString(PyExc_TypeError, "the server gave no way to write");
        return NULL;
    }
    PyObject *write = Py_NewRef(self->server_write);
    PyObject *written = PyObject_CallOneArg(write, data);
    Py_DECREF(write);
    return written;
}

static PyMethodDef write_method = {"write", (PyCFunction)write_data, METH_O,
                                   "write(data): sends some bytes of the answer."};

/* --- start_response --- */

static PyObject *start_server(Response *self, PyObject *status, PyObject *headers, PyObject *exc_info) {
    if (UNLIKELY(self->server_start == NULL)) {
        PyErr_SetString(PyExc_RuntimeError, "the request is over");
        return NULL;
    }
    if (LIKELY(exc_info == Py_None)) {
        PyObject *arguments[] = {NULL, status, headers};
        PyObject *start = Py_NewRef(self->server_start);
        PyObject *write =
            PyObject_Vectorcall(start, arguments + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
        Py_DECREF(start);
        return write;
    }
    PyObject *late = PySequence_GetItem(exc_info, 1);
    if (late == NULL) {
        return NULL;
    }
    Py_XSETREF(self->late, late);
    return PyObject_CallFunctionObjArgs(web_hooks.restart, (PyObject *)self, status, headers,
                                        exc_info, NULL);
}

static PyObject *start_with(Response *self, PyObject *status, PyObject *headers, PyObject *exc_info) {
    if (response_is_copy(self)) {
        /* The parent answers; uWSGI's requests are in memory that both share. */
        return Py_NewRef(web_hooks.write_nowhere);
    }
    long number;
    if (read_status(status, &number) < 0) {
        return NULL;
    }
    PyObject *whole = read_headers(headers, self->call->logid, &self->length);
    if (whole == NULL) {
        return NULL;
    }
    PyObject *write = start_server(self, status, whole, exc_info);
    Py_DECREF(whole);
    if (write == NULL) {
        return NULL;
    }
    Py_XSETREF(self->server_write, write);
    self->started = true;
    self->call->status = number;
    return PyCFunction_New(&write_method, (PyObject *)self);
}

/* status, headers and exc_info, given by position or by name. */
static PyObject *start(Response *self, PyObject *const *args, Py_ssize_t count, PyObject *keywords) {
    static const char *const names[] = {"status", "headers", "exc_info"};
    PyObject *given[] = {NULL, NULL, Py_None};
    Py_ssize_t named = keywords == NULL ? 0 : PyTuple_GET_SIZE(keywords);
    for (Py_ssize_t i = 0; i < count && i < 3; i++) {
        given[i] = args[i];
    }
    bool fits = count <= 3;
    for (Py_ssize_t i = 0; i < named; i++) {
        int at = 0;
        while (at < 3 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(keywords, i), names[at]) != 0) {
            at++;
        }
        fits = fits && at < 3 && at >= count;
        if (fits) {
            given[at] = args[count + i];
        }
    }
    if (UNLIKELY(!fits || given[0] == NULL || given[1] == NULL)) {
        PyErr_SetString(PyExc_TypeError, "start_response takes status, headers and exc_info");
        return NULL;
    }
    return start_with(self, given[0], given[1], given[2]);
}

static PyMethodDef start_method = {"start_response", (PyCFunction)(void (*)(void))start,
                                   METH_FASTCALL | METH_KEYWORDS,
                                   "start_response(status, headers, exc_info=None)"};

PyObject *response_starter(Response *response) {
    return PyCFunction_New(&start_method, (PyObject *)response);
}
