/* What the client's fast path gets of Python. */
#ifndef PIE_CLIENT_HOOKS_H
#define PIE_CLIENT_HOOKS_H

#include "base/core.h"

/* A pie.rpc.client.fast_path.FastPathHooks. */
typedef struct {
    PyObject *methods;    /* (service) → the ClientMethods of a service */
    PyObject *plan;       /* (channel) → ClientPlan */
    PyObject *port;       /* (call, bound, endpoint) → Port */
    PyObject *twin;       /* (call, method, args, bound) → the Answer of a whole attempt */
    PyObject *unwritable; /* (call, method, error): raises the Failure of bad arguments */
    PyObject *read;       /* (call, method, frame, seqid, bound) → the Answer in a reply */
    PyObject *failed;     /* (call, bound, error): adds to a Failure what may be its cause */
    PyObject *trace_id;   /* (logid) → the W3C trace id that stands for it */
    PyObject *options;    /* context variable: options of single calls */
    PyTypeObject *stale;  /* raised when a connection had been closed before it was used again */
    PyObject *stale_note; /* what the call notes then */
    PyTypeObject *answer; /* Answer: a value, or a declared exception to raise */
} ClientHooks;

extern ClientHooks client_hooks;

/* Interned names of attributes. */
typedef struct {
    PyObject *idle, *waiting, *take, *give_back, *discard; /* of an InstancePool */
    PyObject *conclude;          /* of a ClientConnection */
    PyObject *ready, *instances; /* of a View */
    PyObject *get;               /* of an Answer */
} ClientNames;

extern ClientNames client_names;

int client_hooks_init(PyObject *module);

#endif
