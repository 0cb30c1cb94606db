/* What C uses of Python. Its other side: pie/web/native_hooks.py. */
#ifndef PIE_WEB_HOOKS_H
#define PIE_WEB_HOOKS_H

#include "base/core.h"

/* Functions, most of them for unusual cases, and classes. */
typedef struct {
    PyObject *plan;          /* (app, runtime, edge, method) → MiddlewarePlan */
    PyObject *path_of;       /* (environ, query) → text */
    PyObject *take_chain;    /* (call, environ, trusted, address) */
    PyObject *take_body;     /* (environ) → RequestBody, or raises a Refusal */
    PyObject *refusing;      /* (refusal) → an application */
    PyObject *read_status;   /* (status) → int */
    PyObject *read_headers;  /* (headers, logid, length) → (headers, length) */
    PyObject *restart;       /* (response, status, headers, exc_info) → write */
    PyObject *write_nowhere; /* (data) */
    PyObject *no_iterable;   /* (body) → Failure */
    PyObject *no_chunk;      /* (chunk) → Failure */
    PyObject *close_body;    /* (response) */
    PyObject *end_child;     /* (response, error) */
    PyObject *hand_on;       /* (response, sent, wrap_file) → body */
    PyObject *failed;        /* (response, error) → bytes */
    PyObject *raise_on;      /* (response, error): raises */
    PyObject *switches;      /* (response) → bool */
    PyObject *client_left;   /* (response) */
    PyObject *end_input;     /* (response) */
    PyObject *outcome;       /* (response) → error or None */
    PyObject *gate_broke;    /* (response, error) */
    PyTypeObject *failure, *refusal, *answer, *sent_file;
} WebHooks;

extern WebHooks web_hooks;

/* Keys of an environ, and names of attributes; interned. */
typedef struct {
    PyObject *request_method, *remote_addr, *remote_port, *script_name, *path_info, *query_string;
    PyObject *content_length, *transfer_encoding, *received, *logid, *traceparent, *tracestate;
    PyObject *addressee, *overloaded, *file_wrapper, *error;
    PyObject *close, *send;
    PyObject *logid_header; /* "X-Tt-Logid" */
    PyObject *unix_peer;    /* "unix" */
} WebNames;

extern WebNames web_names;

/* `_native.setup_web(hooks)` */
PyObject *web_hooks_setup(PyObject *module, PyObject *hooks);
int web_hooks_init(void);

#endif
