/* The call that a request is. */
#include "web/request_call.h"

#include "web/chain.h"
#include "web/environ_text.h"
#include "web/hooks.h"
#include "web/path.h"

/* Functions that read return 1 = done, 0 = the environ is unusual, so that the twin has to read it, -1 = an
 * exception is set. */

/* address:port */
static PyObject *join_port(PyObject *address, PyObject *port) {
    Py_ssize_t first = 0, second = 0;
    const char *left = ascii_of(address, &first), *right = ascii_of(port, &second);
    if (UNLIKELY(left == NULL || right == NULL)) {
        return PyUnicode_FromFormat("%U:%U", address, port);
    }
    PyObject *peer = PyUnicode_New(first + 1 + second, 127);
    if (peer != NULL) {
        char *text = PyUnicode_DATA(peer);
        memcpy(text, left, (size_t)first);
        text[first] = ':';
        memcpy(text + first + 1, right, (size_t)second);
    }
    return peer;
}

/* The address alone where there is no port. */
static PyObject *peer_of(PyObject *address, PyObject *port) {
    bool alone = port == NULL || PyUnicode_GET_LENGTH(port) == 0;
    return alone ? Py_NewRef(address) : join_port(address, port);
}

/* REMOTE_PORT as text: a str, an int, or absent. */
static int read_port(PyObject *environ, PyObject **port) {
    ValueKind kind = environ_value(environ, web_names.remote_port, port);
    if (kind != VALUE_ODD) {
        return kind == VALUE_ERROR ? -1 : 1;
    }
    PyObject *number = *port;
    bool usual = PyLong_CheckExact(number);
    *port = usual && PyObject_IsTrue(number) ? PyObject_Str(number) : NULL;
    Py_DECREF(number);
    return PyErr_Occurred() ? -1 : usual;
}

/* Also gives the address, empty for a peer on a unix socket: a new reference. */
static int read_peer(CallObject *call, PyObject *environ, PyObject **address) {
    PyObject *port = NULL, *peer;
    ValueKind kind = environ_text(environ, web_names.remote_addr, address);
    if (UNLIKELY(kind == VALUE_ODD || kind == VALUE_ERROR)) {
        return kind == VALUE_ODD ? 0 : -1;
    }
    if (*address == NULL) {
        *address = PyUnicode_New(0, 0);
    }
    if (*address != NULL && PyUnicode_GET_LENGTH(*address) == 0) {
        peer = Py_NewRef(web_names.unix_peer);
    } else {
        int read = *address == NULL ? -1 : read_port(environ, &port);
        if (UNLIKELY(read <= 0)) {
            return read;
        }
        peer = peer_of(*address, port);
        Py_XDECREF(port);
    }
    if (peer == NULL) {
        return -1;
    }
    call_set(&call->peer, peer);
    return 1;
}

static int read_verb(CallObject *call, PyObject *environ) {
    PyObject *verb;
    ValueKind kind = environ_text(environ, web_names.request_method, &verb);
    if (UNLIKELY(verb == NULL)) {
        return kind == VALUE_ABSENT ? 1 : kind == VALUE_ODD ? 0 : -1;
    }
    call_set(&call->method, Py_NewRef(verb));
    call_set(&call->verb, verb);
    return 1;
}

/* When the server received the request, and how long its body is. */
static int read_numbers(CallObject *call, PyObject *environ) {
    PyObject *received, *length;
    ValueKind kind = environ_value(environ, web_names.received, &received);
    bool usual = kind == VALUE_ABSENT || (kind == VALUE_ODD && PyFloat_CheckExact(received));
    if (usual && received != NULL) {
        call->received = PyFloat_AS_DOUBLE(received);
    }
    Py_XDECREF(received);
    if (UNLIKELY(!usual)) {
        return kind == VALUE_ERROR ? -1 : 0;
    }
    kind = environ_text(environ, web_names.content_length, &length);
    if (length != NULL) {
        Py_ssize_t size;
        const char *digits = ascii_of(length, &size);
        long long number = digits == NULL ? 0 : ascii_number(digits, size);
        call->request_bytes = number < 0 ? 0 : (long)number;
        usual = digits != NULL;
        Py_DECREF(length);
        return usual;
    }
    return kind == VALUE_ABSENT ? 1 : kind == VALUE_ODD ? 0 : -1;
}

static int read_rest(CallObject *call, const MiddlewarePlan *plan, PyObject *environ,
                     PyObject *address) {
    PyObject *path = path_of(environ, plan->query);
    if (path == NULL) {
        return -1;
    }
    if (UNLIKELY(!PyUnicode_CheckExact(path))) {
        Py_DECREF(path);
        return 0;
    }
    call_set(&call->path, path);
    /* Last: it takes metadata out of the environ. */
    return chain_take(call, environ, plan->trusted, address) < 0 ? -1 : 1;
}

static int read_environ(CallObject *call, const MiddlewarePlan *plan, PyObject *environ) {
    PyObject *address = NULL;
    int read = read_verb(call, environ);
    if (LIKELY(read > 0)) {
        read = read_numbers(call, environ);
    }
    if (LIKELY(read > 0)) {
        read = read_peer(call, environ, &address);
    }
    if (LIKELY(read > 0)) {
        read = read_rest(call, plan, environ, address);
    }
    Py_XDECREF(address);
    return read;
}

/* Of the twin. */
static CallObject *unusual_call(const MiddlewarePlan *plan, PyObject *environ) {
    PyObject *made = PyObject_CallOneArg(plan->call_of, environ);
    if (made != NULL && !call_is(made)) {
        PyErr_Format(PyExc_TypeError, "call_of made %.100s, which is no Call", Py_TYPE(made)->tp_name);
        Py_CLEAR(made);
    }
    return (CallObject *)made;
}

CallObject *request_call(const MiddlewarePlan *plan, PyObject *environ) {
    CallObject *call = call_new(true, false);
    if (call == NULL) {
        return NULL;
    }
    call_set(&call->callee, Py_NewRef(plan->psm));
    call_set(&call->callee_cluster, Py_NewRef(plan->cluster));
    int read = read_environ(call, plan, environ);
    if (LIKELY(read > 0)) {
        return call;
    }
    Py_DECREF(call);
    return read < 0 ? NULL : unusual_call(plan, environ);
}
