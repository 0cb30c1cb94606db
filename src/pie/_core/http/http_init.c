/* The room of HTTP in the module, and the functions by which tests read heads and bodies without a
 * socket. Each part is given in memory of exactly its size, so that a sanitizer sees a read beyond it. */
#include "http/http_init.h"

#include "base/buffer.h"
#include "http/chunks.h"
#include "http/environ.h"
#include "http/head.h"
#include "http/http_server.h"
#include "http/names.h"
#include "http/proxy.h"

static PyObject *problem_value(const HttpProblem *problem) {
    return Py_BuildValue("(is)", problem->status, problem->text);
}

static PyObject *span_bytes(const uint8_t *data, Span span) {
    return PyBytes_FromStringAndSize((const char *)span_at(data, span), span.size);
}

static PyObject *fields_list(const uint8_t *data, const RequestHead *head) {
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < head->count; i++) {
        const HeadField *field = &head->fields[i];
        PyObject *pair = Py_BuildValue("(NN)", span_bytes(data, field->name),
                                       span_bytes(data, field->value));
        if (pair == NULL || PyList_Append(list, pair) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(pair);
    }
    return list;
}

static PyObject *head_value(const uint8_t *data, const RequestHead *head) {
    return Py_BuildValue(
        "{sNsNsNsNsNsIsisLsNsNsNsNsN}", "method", span_bytes(data, head->method), "target",
        span_bytes(data, head->target), "path", span_bytes(data, head->path), "query",
        span_bytes(data, head->query), "host", span_bytes(data, head->host), "size", head->size,
        "minor", head->minor, "content_length", (long long)head->content_length, "chunked",
        PyBool_FromLong(head->chunked), "keep_alive", PyBool_FromLong(head->keep_alive),
        "expects_continue", PyBool_FromLong(head->expects_continue), "upgrade",
        PyBool_FromLong(head->upgrade), "fields", fields_list(data, head));
}

/* Bytes in memory of their own; NULL with an exception set. */
static uint8_t *exactly(const void *from, size_t size) {
    uint8_t *copy = malloc(size ? size : 1);
    return copy == NULL ? (uint8_t *)PyErr_NoMemory() : memcpy(copy, from, size);
}

/* (data, line, head, fields, cuts) → a dict of the head; (status, text); or None for a partial one. */
static PyObject *http_head(PyObject *module, PyObject *args) {
    Py_buffer data;
    Py_ssize_t line, most, fields;
    PyObject *cuts;
    if (!PyArg_ParseTuple(args, "y*nnnO!:http_head", &data, &line, &most, &fields, &PyTuple_Type,
                          &cuts)) {
        return NULL;
    }
    HeadLimits limits = {(size_t)line, (size_t)most, (size_t)fields};
    HeadScan scan = {0};
    RequestHead head;
    HttpProblem problem = {0};
    PyObject *result = NULL;
    for (Py_ssize_t i = 0; i <= PyTuple_GET_SIZE(cuts); i++) {
        bool last = i == PyTuple_GET_SIZE(cuts);
        Py_ssize_t size = last ? data.len : PyLong_AsSsize_t(PyTuple_GET_ITEM(cuts, i));
        if (size < 0 || size > data.len || fields > HEAD_MOST_FIELDS) {
            PyErr_SetString(PyExc_ValueError, "a cut or a limit is out of range");
            break;
        }
        uint8_t *part = exactly(data.buf, (size_t)size);
        if (part == NULL) {
            break;
        }
        memset(&head, 0xa5, sizeof head); /* It belongs to a thread, not to a connection. */
        HeadState state = head_read(part, (size_t)size, &limits, &scan, &head, &problem);
        if (state == HEAD_WHOLE) {
            result = head_value(part, &head);
        } else if (state == HEAD_BAD) {
            result = problem_value(&problem);
        } else if (last) {
            result = Py_NewRef(Py_None);
        }
        free(part);
        if (state != HEAD_PARTIAL) {
            break;
        }
    }
    PyBuffer_Release(&data);
    return result;
}

/* (parts, most) → (body, taken of the last part), or None in its place for a body that goes on; or
 * (status, text). */
static PyObject *http_chunks(PyObject *module, PyObject *args) {
    PyObject *parts;
    unsigned long long most;
    if (!PyArg_ParseTuple(args, "O!K:http_chunks", &PyTuple_Type, &parts, &most)) {
        return NULL;
    }
    Chunks chunks = {0};
    Buffer out = {0};
    HttpProblem problem = {0};
    ChunkState state = CHUNKS_MORE;
    size_t taken = 0, before = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(parts) && state == CHUNKS_MORE; i++) {
        char *part;
        Py_ssize_t size;
        before += taken;
        uint8_t *copy = NULL;
        if (PyBytes_AsStringAndSize(PyTuple_GET_ITEM(parts, i), &part, &size) < 0 ||
            (copy = exactly(part, (size_t)size)) == NULL) {
            buffer_free(&out);
            return NULL;
        }
        state = chunks_read(&chunks, copy, (size_t)size, &taken, &out, most, &problem);
        free(copy);
    }
    PyObject *result =
        state == CHUNKS_BAD
            ? problem_value(&problem)
            : Py_BuildValue("(y#N)", out.data == NULL ? "" : (char *)out.data, (Py_ssize_t)out.size,
                            state == CHUNKS_MORE ? Py_NewRef(Py_None)
                                                 : PyLong_FromSize_t(before + taken));
    buffer_free(&out);
    return result;
}

/* (data) → (state, bytes of the header, peer or sentence); states are as in proxy.h. */
static PyObject *http_proxy(PyObject *module, PyObject *arg) {
    static const char *const states[] = {"none", "partial", "whole", "bad"};
    char *data;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(arg, &data, &size) < 0) {
        return NULL;
    }
    uint8_t *copy = exactly(data, (size_t)size);
    if (copy == NULL) {
        return NULL;
    }
    ProxyHeader header;
    HttpProblem problem = {0};
    ProxyState state = proxy_read(copy, (size_t)size, &header, &problem);
    free(copy);
    return Py_BuildValue("(sns)", states[state], (Py_ssize_t)header.size,
                         state == PROXY_BAD ? problem.text : header.peer);
}

/* Networks of a tuple of texts; false with an exception set. */
static bool networks_of(PyObject *texts, Networks *networks) {
    *networks = (Networks){0};
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(texts); i++) {
        const char *text = PyUnicode_AsUTF8(PyTuple_GET_ITEM(texts, i));
        if (text == NULL) {
            return false;
        }
        if (!networks_add(networks, text)) {
            PyErr_Format(PyExc_ValueError, "%.100s is no network", text);
            return false;
        }
    }
    return true;
}

/* (networks, peer) → bool */
static PyObject *http_trusts(PyObject *module, PyObject *args) {
    PyObject *texts;
    const char *peer;
    Networks networks;
    if (!PyArg_ParseTuple(args, "O!s:http_trusts", &PyTuple_Type, &texts, &peer) ||
        !networks_of(texts, &networks)) {
        return NULL;
    }
    return PyBool_FromLong(networks_have_peer(&networks, peer));
}

/* (fixed, data, peer, input, received, body size, trusted, rounds) → the environ, made that many times. */
static PyObject *http_environ(PyObject *module, PyObject *args) {
    PyObject *fixed, *input, *texts, *environ = NULL;
    Py_buffer data;
    const char *peer;
    double received;
    Py_ssize_t body_size, rounds;
    if (!PyArg_ParseTuple(args, "O!y*sOdnO!n:http_environ", &PyDict_Type, &fixed, &data, &peer,
                          &input, &received, &body_size, &PyTuple_Type, &texts, &rounds)) {
        return NULL;
    }
    HeadScan scan = {0};
    RequestHead head;
    HttpProblem problem;
    Networks trusted;
    Forwarded forwarded;
    EnvironBase base = {0};
    EnvironOrigin origin = {peer, input, received, body_size, NULL};
    uint8_t *copy = exactly(data.buf, (size_t)data.len);
    if (copy != NULL && networks_of(texts, &trusted) && environ_base_init(&base, fixed) == 0) {
        for (Py_ssize_t i = 0; i < rounds; i++) {
            if (head_read(copy, (size_t)data.len, &HEAD_LIMITS, &scan, &head, &problem) !=
                HEAD_WHOLE) {
                PyErr_SetString(PyExc_ValueError, "this is no whole and good head");
                break;
            }
            if (networks_have_peer(&trusted, peer)) {
                forwarded_read(copy, &head, &trusted, &forwarded);
                origin.forwarded = &forwarded;
            }
            Py_XSETREF(environ, environ_new(&base, copy, &head, &origin));
        }
    }
    environ_base_clear(&base);
    free(copy);
    PyBuffer_Release(&data);
    return environ;
}

/* (data, rounds) → how often its head was read whole: for measuring. */
static PyObject *http_head_rounds(PyObject *module, PyObject *args) {
    Py_buffer data;
    Py_ssize_t rounds, whole = 0;
    if (!PyArg_ParseTuple(args, "y*n:http_head_rounds", &data, &rounds)) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < rounds; i++) {
        HeadScan scan = {0};
        RequestHead head;
        HttpProblem problem;
        whole += head_read(data.buf, (size_t)data.len, &HEAD_LIMITS, &scan, &head, &problem) ==
                 HEAD_WHOLE;
    }
    PyBuffer_Release(&data);
    return PyLong_FromSsize_t(whole);
}

static PyMethodDef functions[] = {
    {"http_head", http_head, METH_VARARGS, "Reads the head of a request; for tests."},
    {"http_chunks", http_chunks, METH_VARARGS, "Decodes a chunked body; for tests."},
    {"http_proxy", http_proxy, METH_O, "Reads a header of the PROXY protocol; for tests."},
    {"http_trusts", http_trusts, METH_VARARGS, "Whether networks have a peer; for tests."},
    {"http_environ", http_environ, METH_VARARGS, "Makes a WSGI environ of a head; for tests."},
    {"http_head_rounds", http_head_rounds, METH_VARARGS, "Reads a head often; for measuring."},
    {NULL},
};

int http_init(PyObject *module) {
    names_init();
    if (environ_init() < 0 || PyModule_AddFunctions(module, functions) < 0) {
        return -1;
    }
    return http_server_init(module);
}
