/* A Thrift server and its requests: what the files that serve them share. */
#ifndef PIE_SERVER_OBJECT_H
#define PIE_SERVER_OBJECT_H

#include "call/flow.h"
#include "codec/method.h"
#include "frame/frame.h"
#include "frame/message.h"
#include "loop/shared.h"

/* A pie.rpc.server.native_loop.ServerHooks: functions of a loop's Python side. */
typedef struct {
    PyObject *adopt;          /* (descriptor, peer, received): a transport that C does not speak */
    PyObject *complain;       /* (peer, bytes): a connection was closed because of these bytes */
    PyObject *refused;        /* (peer): one connection too many */
    PyObject *cannot_accept;  /* (errno) */
    PyObject *crowded;        /* (peer, bytes): closed, for all connections hold too much */
    PyObject *backlog_served; /* () */
    PyObject *spawn;          /* () → bool: start one more thread; NULL = handlers are coroutines */
    PyObject *start_handler;  /* (attr, args, pending); NULL = handlers run on threads */
    PyObject *end_forked_child; /* (): ends this process */
} ServerHooks;

/* A pie.rpc.server.native_loop.ServerTwin: methods of a pie.rpc.server.dispatch.Dispatcher, which
 * answers what is unusual. */
typedef struct {
    /* (frame, peer, received, closing) → reply, None or False; only the first runs handlers, where
     * these are no coroutines: */
    PyObject *answer_bytes, *refuse, *misdirect;
    PyObject *unreadable;            /* (method, call, error): raises the Failure */
    PyObject *raised;                /* (method, call, error, form) → reply; None = not declared */
    PyObject *fill;                  /* (call, value): fills a BaseResp */
    PyObject *reply;                 /* (method, result, call, form) → reply */
    PyObject *failed;                /* (method, failure, call, form) → reply */
} ServerTwin;

typedef struct {
    PyObject_HEAD
    /* Of a pie.rpc.server.native_loop.ServerPlan: */
    int listener; /* descriptor */
    PyObject *handler;
    PyObject *method_plans; /* a list */
    PyObject *course; /* a Course without gates of attempts */
    PyObject *twin_plan, *hooks_plan, *limits_plan;
    PyObject *names; /* a tuple: of the service, as messages may put it before a method */
    PyObject *psm, *cluster, *addressee;
    PyObject *answers; /* a tuple: classes of exceptions that may be answers */
    Py_ssize_t decoded_limit;
    int max_pending; /* requests on an asyncio loop; 0 = handlers run on threads */
    /* Made of it: */
    ServerHooks hooks;
    ServerTwin twin;
    MethodTable methods;
    Loop loop;
    bool is_open;
    /* Handlers run on an asyncio loop, whose thread alone serves connections: */
    bool is_async;
    int pending;
    Worker asyncio;
} ServerObject;

/* A request while it is served. */
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

/* Whether replies announce that their connection is about to end. */
static inline bool request_is_last(const Request *request) {
    return atomic_load(&request->server->loop.draining);
}

#endif
