/* One request from its frame to its reply. Twin: pie/rpc/server/dispatch.py, which also answers whatever is
 * unusual: unknown methods, failures, business codes. */
#ifndef PIE_REQUEST_H
#define PIE_REQUEST_H

#include "call/flow.h"
#include "codec/method.h"
#include "server/server.h"

/* What a server needs to answer; all references owned. */
typedef struct {
    PyObject_HEAD
    Loop loop;
    bool is_open;
    MethodTable methods;
    PyObject *handler;
    PyObject *course; /* a Course without gates of attempts */
    PyObject *twin;  /* pie.rpc.server.dispatch.Dispatcher */
    PyObject *hooks; /* pie.rpc.server.leader */
    PyObject *psm, *cluster;
    PyObject *answers; /* classes of exceptions that are answers */
    Py_ssize_t decoded_limit;
    /* Handlers run on an asyncio loop, whose thread alone serves connections: */
    bool is_async;
    int pending, max_pending;
    Worker asyncio;
} ServerObject;

/* What is known of a request while it is served. */
typedef struct {
    ServerObject *server;
    Worker *worker;
    Connection *connection;
    const uint8_t *data; /* its frame, and what was received behind it */
    size_t size;
    const FrameView *view;
    const MessageHead *head;
    Method *method;
    CallObject *call;
    bool parted; /* the connection was let go */
    bool later;  /* the reply is made by a PendingObject */
    Flow flow;
} Request;

/* With the GIL. The reply goes into the worker's `out`. */
Answer request_answer(ServerObject *server, Worker *worker, Connection *connection,
                      const uint8_t *data, size_t size, const FrameView *view,
                      const MessageHead *head);

/* The end of a call whose handler has returned a value, or NULL with an exception set: the reply into
 * `out`, the gates left. False if nothing can be said to the peer. */
bool request_finish(Request *request, PyObject *value, Buffer *out);

/* --- pending.c: requests whose handlers run on an asyncio loop. --- */

int pending_init(PyObject *module);
/* Starts the handler; its end finishes the request. -1 with an exception set. */
int pending_start(Request *request, PyObject *const *arguments);

#endif
