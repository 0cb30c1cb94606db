/* What an environ says of the chain: here logids and traceparents of the usual form, in a request that
 * carries no metadata; the twin reads all others. */
#include "web/chain.h"

#include "web/environ_text.h"
#include "web/hooks.h"

enum {
    LOGID_SIZE = 32,
    SPAN_SIZE = 16,
    TRACE_AT = 3,
    SPAN_AT = TRACE_AT + LOGID_SIZE + 1,
    FLAGS_AT = SPAN_AT + SPAN_SIZE + 1,
    TRACEPARENT_SIZE = FLAGS_AT + 2,
};

/* Lower-case hexadecimal digits. */
static bool are_digits(const char *text, size_t size, bool *some) {
    unsigned odd = 0, any = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned each = (uint8_t)text[i];
        odd |= (each - '0' > 9) & (each - 'a' > 5);
        any |= each ^ '0';
    }
    *some = any != 0;
    return odd == 0;
}

static bool is_id(const char *text, size_t size) {
    bool some;
    return are_digits(text, size, &some) && some;
}

static bool is_logid(PyObject *text) {
    Py_ssize_t size;
    const char *bytes = ascii_of(text, &size);
    return bytes != NULL && size == LOGID_SIZE && is_id(bytes, LOGID_SIZE);
}

/* The bytes of a traceparent of version 00; NULL if it is none. */
static const char *usual_traceparent(PyObject *text) {
    Py_ssize_t size;
    const char *bytes = ascii_of(text, &size);
    bool some;
    if (bytes == NULL || size != TRACEPARENT_SIZE || memcmp(bytes, "00-", TRACE_AT) != 0 ||
        bytes[SPAN_AT - 1] != '-' || bytes[FLAGS_AT - 1] != '-' ||
        !is_id(bytes + TRACE_AT, LOGID_SIZE) || !is_id(bytes + SPAN_AT, SPAN_SIZE) ||
        !are_digits(bytes + FLAGS_AT, 2, &some)) {
        return NULL;
    }
    return bytes;
}

static int set_text(PyObject **field, const char *text, Py_ssize_t size) {
    PyObject *made = PyUnicode_FromStringAndSize(text, size);
    if (made == NULL) {
        return -1;
    }
    call_set(field, made);
    return 0;
}

static int take_trace(CallObject *call, const char *trace) {
    char last = trace[FLAGS_AT + 1];
    int flags = (last <= '9' ? last - '0' : last - 'a' + 10) & 3; /* Twin: _KNOWN_FLAGS. */
    char shown[2] = {'0', (char)('0' + flags)};
    if (set_text(&call->parent_id, trace + SPAN_AT, SPAN_SIZE) < 0 ||
        set_text(&call->trace_flags, shown, sizeof shown) < 0) {
        return -1;
    }
    if (PyUnicode_GET_LENGTH(call->logid) == LOGID_SIZE &&
        memcmp(PyUnicode_DATA(call->logid), trace + TRACE_AT, LOGID_SIZE) == 0) {
        return 0;
    }
    return set_text(&call->logid, trace + TRACE_AT, LOGID_SIZE);
}

static bool starts_with(PyObject *key, const char *prefix, size_t size) {
    return PyUnicode_KIND(key) == PyUnicode_1BYTE_KIND &&
           PyUnicode_GET_LENGTH(key) >= (Py_ssize_t)size &&
           memcmp(PyUnicode_DATA(key), prefix, size) == 0;
}

/* Whether a request names its caller or carries metadata for later hops, or has keys that are no str. */
static bool has_metadata(PyObject *environ) {
    static const char prefix[] = "HTTP_RPC_", from[] = "HTTP_PIE_FROM";
    Py_ssize_t at = 0;
    PyObject *key, *value;
    while (PyDict_Next(environ, &at, &key, &value)) {
        if (UNLIKELY(!PyUnicode_CheckExact(key))) {
            return true;
        }
        if (starts_with(key, prefix, sizeof prefix - 1) || starts_with(key, from, sizeof from - 1)) {
            return true;
        }
    }
    return false;
}

static bool is_empty(PyObject *text) {
    return text == NULL || PyUnicode_GET_LENGTH(text) == 0;
}

/* 1 = it was read, 0 = the twin has to. */
static int take_usual(CallObject *call, PyObject *logid, PyObject *traceparent, PyObject *state) {
    const char *trace = NULL;
    if (!is_empty(logid) && !is_logid(logid)) {
        return 0;
    }
    if (!is_empty(traceparent)) {
        trace = usual_traceparent(traceparent);
        if (trace == NULL || !is_empty(state)) {
            return 0;
        }
    }
    if (!is_empty(logid)) {
        call_set(&call->logid, Py_NewRef(logid));
    }
    return trace != NULL && take_trace(call, trace) < 0 ? -1 : 1;
}

int chain_take(CallObject *call, PyObject *environ, PyObject *trusted, PyObject *address) {
    PyObject *logid, *traceparent, *state;
    ValueKind one = environ_text(environ, web_names.logid, &logid);
    ValueKind two = environ_text(environ, web_names.traceparent, &traceparent);
    ValueKind three = environ_text(environ, web_names.tracestate, &state);
    bool failed = one == VALUE_ERROR || two == VALUE_ERROR || three == VALUE_ERROR;
    int taken = failed ? -1 : 0;
    if (LIKELY(!failed && one != VALUE_ODD && two != VALUE_ODD && three != VALUE_ODD &&
               !has_metadata(environ))) {
        taken = take_usual(call, logid, traceparent, state);
    }
    Py_XDECREF(logid);
    Py_XDECREF(traceparent);
    Py_XDECREF(state);
    if (LIKELY(taken != 0)) {
        return taken < 0 ? -1 : 0;
    }
    PyObject *done = PyObject_CallFunctionObjArgs(web_hooks.take_chain, (PyObject *)call, environ,
                                                  trusted, address, NULL);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}
