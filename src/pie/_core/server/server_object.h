/* A Thrift server and its requests: what the files that serve them share. */
#ifndef PIE_SERVER_OBJECT_H
#define PIE_SERVER_OBJECT_H

#include "call/flow.h"
#include "codec/method.h"
#include "frame/frame.h"
#include "frame/message.h"
#include "loop/shared.h"
#include "loop/speaker.h"

/* A pie.rpc.server.native_server.ServerHooks: functions of its Python side. */
typedef struct {
    PyObject *adopt;          /* (descriptor, peer, received): a transport that C does not speak */
    PyObject *complain;       /* (peer, bytes): a connection was closed because of these bytes */
    PyObject *start_handler;  /* (attr, args, pending); NULL = handlers run on threads */
} ServerHooks;

/* A pie.rpc.server.native_server.ServerTwin: methods of a pie.rpc.server.dispatch.Dispatcher, which
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
    SpeakerObject speaks;
    /* Of a pie.rpc.server.native_server.ServerPlan: */
    PyObject *handler;
    PyObject *method_plans; /* a list */
    PyObject *course; /* a Course without gates of attempts */
    PyObject *twin_plan, *hooks_plan;
    PyObject *names; /* a tuple: of the service, as messages may put it before a method */
    PyObject *psm, *cluster, *addressee;
    PyObject *answers; /* a tuple: classes of exceptions that may be answers */
    size_t frame_limit;  /* bytes of one message */
    size_t decoded_limit;
    int64_t idle_ms, transfer_ms;
    int max_pending; /* requests on an asyncio loop; 0 = handlers run on threads */
    /* Made of it: */
    ServerHooks hooks;
    ServerTwin twin;
    MethodTable methods;
    bool is_async; /* handlers run on an asyncio loop, whose thread alone serves connections */
    int pending;
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
    return atomic_load(&request->connection->loop->draining);
}

#endif
