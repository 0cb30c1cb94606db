/* The path of a request, as records show it: here paths that need no escape, with the keys of their
 * queries; the twin makes all others. */
#include "web/path.h"

#include "web/environ_text.h"
#include "web/hooks.h"

#define MAX_PATH 500
#define MAX_PAIRS 32
#define MAX_KEY 64
#define MAX_QUERY (4 * MAX_PATH) /* Of a longer one, not all is looked at. */

/* Characters that stand for themselves everywhere. Twin: _PLAIN. */
static const bool plain[256] = {
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['/'] = true, [':'] = true,
    ['@'] = true, ['!'] = true, ['$'] = true, ['\''] = true, ['('] = true, [')'] = true,
    ['+'] = true, [','] = true, ['-'] = true, ['.'] = true, ['_'] = true, ['~'] = true,
};

static bool is_plain(const char *text, size_t size) {
    bool all = true;
    for (size_t i = 0; i < size; i++) {
        all &= plain[(uint8_t)text[i]];
    }
    return all;
}

/* Adds what is shown of a query by the rule "keys": `key=*` of each pair. Its size; -1 = the twin has
 * to do it, because a key needs an escape, there are too many, or it does not fit. */
static Py_ssize_t add_keys(char *out, size_t room, const char *query, size_t size) {
    const char *end = query + size;
    size_t used = 0;
    for (int pairs = 1;; pairs++) {
        const char *next = memchr(query, '&', (size_t)(end - query));
        const char *pair_end = next == NULL ? end : next;
        const char *equals = memchr(query, '=', (size_t)(pair_end - query));
        size_t key = equals == NULL ? 0 : (size_t)(equals - query);
        size_t shown = equals == NULL ? 1 : key + 2;
        if (key > MAX_KEY || pairs > MAX_PAIRS || used + shown + 1 > room || !is_plain(query, key)) {
            return -1;
        }
        memcpy(out + used, query, key);
        memcpy(out + used + key, "=*", 2); /* A pair without "=" is "*" alone. */
        if (equals == NULL) {
            out[used] = '*';
        }
        used += shown;
        if (next == NULL) {
            return (Py_ssize_t)used;
        }
        out[used++] = '&';
        query = next + 1;
    }
}

/* The path with its prefix and the keys of its query; NULL without an exception = the twin has to. */
static PyObject *put_together(PyObject *prefix, PyObject *rest, PyObject *query) {
    char whole[MAX_PATH];
    Py_ssize_t prefix_size = 0, rest_size = 0, query_size = 0, shown = 0;
    const char *first = prefix == NULL ? "" : ascii_of(prefix, &prefix_size);
    const char *second = rest == NULL ? "" : ascii_of(rest, &rest_size);
    const char *third = query == NULL ? "" : ascii_of(query, &query_size);
    if (first == NULL || second == NULL || third == NULL || (prefix_size > 0 && rest == NULL) ||
        query_size > MAX_QUERY || prefix_size > MAX_PATH - 2 || rest_size > MAX_PATH - 2 - prefix_size ||
        !is_plain(first, (size_t)prefix_size) || !is_plain(second, (size_t)rest_size)) {
        return NULL;
    }
    if (prefix_size == 0 && query_size == 0 && rest != NULL) {
        return Py_NewRef(rest);
    }
    Py_ssize_t size = prefix_size + rest_size;
    memcpy(whole, first, (size_t)prefix_size);
    memcpy(whole + prefix_size, second, (size_t)rest_size);
    if (query_size > 0) {
        whole[size++] = '?';
        shown = add_keys(whole + size, (size_t)(MAX_PATH - size), third, (size_t)query_size);
        if (shown < 0) {
            return NULL;
        }
    }
    return PyUnicode_FromStringAndSize(whole, size + shown);
}

PyObject *path_of(PyObject *environ, PyObject *rule) {
    PyObject *prefix, *rest, *query;
    ValueKind one = environ_text(environ, web_names.script_name, &prefix);
    ValueKind two = environ_text(environ, web_names.path_info, &rest);
    ValueKind three = environ_text(environ, web_names.query_string, &query);
    PyObject *path = NULL;
    bool failed = one == VALUE_ERROR || two == VALUE_ERROR || three == VALUE_ERROR;
    if (LIKELY(!failed && one != VALUE_ODD && two != VALUE_ODD && three != VALUE_ODD)) {
        bool none = query == NULL || PyUnicode_GET_LENGTH(query) == 0 ||
                    PyUnicode_CompareWithASCIIString(rule, "none") == 0;
        if (none || PyUnicode_CompareWithASCIIString(rule, "keys") == 0) {
            path = put_together(prefix, rest, none ? NULL : query);
        }
    }
    Py_XDECREF(prefix);
    Py_XDECREF(rest);
    Py_XDECREF(query);
    if (LIKELY(path != NULL) || UNLIKELY(failed || PyErr_Occurred())) {
        return path;
    }
    return PyObject_CallFunctionObjArgs(web_hooks.path_of, environ, rule, NULL);
}
