/* One request from its frame to its reply. Twin: pie/rpc/dispatch.py, which also answers whatever is
 * unusual: unknown methods, failures, business codes. */
#ifndef PIE_REQUEST_H
#define PIE_REQUEST_H

#include "method.h"
#include "server.h"

/* What a server needs to answer; all references owned. */
typedef struct {
    PyObject_HEAD
    Loop loop;
    bool is_open;
    MethodTable methods;
    PyObject *handler;
    PyObject *gates; /* a GateList */
    PyObject *twin;  /* pie.rpc.dispatch.Dispatcher */
    PyObject *hooks; /* pie.rpc.leader */
    PyObject *psm, *cluster;
    PyObject *struct_exception;
    Py_ssize_t decoded_limit;
} ServerObject;

/* With the GIL. The reply goes into the worker's `out`. */
Answer request_answer(ServerObject *server, Worker *worker, Connection *connection,
                      const uint8_t *data, size_t size, const FrameView *view,
                      const MessageHead *head);

#endif
