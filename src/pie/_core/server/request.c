/* One request, from its frame to the end of its handler. */
#include "server/request.h"

#include "base/errors.h"
#include "call/outcome.h"
#include "codec/struct_read.h"
#include "frame/ttheader.h"
#include "loop/connection.h"
#include "loop/leader.h"
#include "server/metadata.h"
#include "loop/outbox.h"
#include "server/pending.h"
#include "server/reply.h"
#include "server/request_base.h"

#define STACK_ARGUMENTS 16

/* --- The handler --- */

/* Reads the arguments into `values`; -1 with a Failure set and nothing to release. */
static int read_arguments(const Request *request, PyObject **values) {
    const Method *method = request->method;
    Source source = {
        .begin = request->data + request->view->payload,
        .at = request->data + request->view->payload + request->head->body,
        .end = request->data + request->view->payload_end,
        .memory_limit = request->server->decoded_limit,
    };
    int read = fields_decode(&source, request->view->protocol, method->args, values,
                             DEFAULT_MAX_DEPTH);
    if (read == 0 && source.at == source.end) {
        return 0;
    }
    PyObject *error;
    if (read == 0) {
        for (int i = 0; i < method->arg_count; i++) {
            Py_CLEAR(values[i]);
        }
        error = PyUnicode_FromFormat("%zd bytes left over after the struct",
                                     (Py_ssize_t)(source.end - source.at));
    } else {
        error = error_take();
    }
    if (error != NULL) {
        PyObject *raised = PyObject_CallFunction(request->server->twin.unreadable, "OOO", method->description, request->call, error);
        Py_XDECREF(raised); /* It raises. */
        Py_DECREF(error);
    }
    return -1;
}

/* Runs the handler; its value, or NULL with an exception set. */
static PyObject *run_handler(Request *request, PyObject **stack) {
    Method *method = request->method;
    Worker *worker = request->worker;
    bool slow = method->average_ns > METHOD_SLOW_NS;
    if (slow && worker->leading && request->view->transport == TRANSPORT_TTHEADER &&
        (request->view->flags & FLAG_OUT_OF_ORDER)) {
        /* The caller takes replies in any order: its next request need not wait for this one. */
        connection_part(worker, request->connection, request->data + request->view->size,
                        request->size - request->view->size);
        request->parted = true;
    }
    worker_enter_handler(worker, (int64_t)(request->call->start * 1e9), slow);
    PyObject *value = PyObject_VectorcallMethod(
        method->attr, stack, (size_t)(method->arg_count + 1) | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    worker_leave_handler(worker);
    return value;
}

/* The value the handler returned, or NULL with an exception set; NULL without one if it is running
 * still. */
static PyObject *serve_with(Request *request, PyObject **stack) {
    PyObject **arguments = stack + 1;
    PyObject *value = NULL;
    if (read_arguments(request, arguments) < 0) {
        return NULL;
    }
    stack[0] = request->server->handler;
    bool ready = request->view->transport == TRANSPORT_TTHEADER ||
                 base_read(request->method, arguments, request->call) == 0;
    if (ready && request->server->is_async) {
        pending_start(request, arguments);
    } else if (ready) {
        value = run_handler(request, stack);
    }
    for (int i = 0; i < request->method->arg_count; i++) {
        Py_DECREF(arguments[i]);
    }
    return value;
}

/* Decodes the arguments and runs the handler; as serve_with. */
static PyObject *serve(Request *request) {
    PyObject *few[STACK_ARGUMENTS + 2];
    int count = request->method->arg_count;
    PyObject **stack = few;
    if (count > STACK_ARGUMENTS) {
        stack = PyMem_Malloc((size_t)(count + 2) * sizeof *stack);
        if (stack == NULL) {
            return PyErr_NoMemory();
        }
    }
    PyObject *value = serve_with(request, stack + 1); /* PY_VECTORCALL_ARGUMENTS_OFFSET: the slot before is the callee's. */
    if (stack != few) {
        PyMem_Free(stack);
    }
    return value;
}

/* --- The call --- */

/* Makes the call ambient while the handler starts, and undoes it whatever is set then. */
static void restore_ambient(const Request *request, PyObject *outer) {
    PyObject *error = error_take();
    if (outer != NULL && current_call_reset(outer) < 0) {
        PyErr_WriteUnraisable(outer);
    }
    error_give(error);
}

/* The reply to a call that a gate rejected; another gate may have given it a result. */
static Answer answer_without_handler(Request *request, Step step) {
    Buffer *out = &request->worker->out;
    size_t before = out->size;
    flow_clear(&request->flow);
    bool replied = step == STEP_DONE && reply_result(request, out);
    replied = replied || reply_failure(request, out);
    reply_withhold(request, out, before);
    return replied ? ANSWER_READY : ANSWER_BROKEN;
}

/* Takes the call through its gates around the handler. */
static Answer run_call(Request *request) {
    Buffer *out = &request->worker->out;
    /* A gate in Python may wait, as a handler may, but not on an asyncio loop. */
    worker_enter_handler(request->worker, monotonic_ns(), false);
    int begun = flow_init(&request->flow, (PyObject *)request->call, request->server->course);
    Step step = begun < 0                   ? STEP_ERROR
                : request->server->is_async ? flow_begin_at_once(&request->flow)
                                            : flow_drive(&request->flow, NULL);
    worker_leave_handler(request->worker);
    if (UNLIKELY(step != STEP_SEND)) {
        return answer_without_handler(request, step);
    }
    PyObject *outer = current_call_set(request->call);
    PyObject *value = outer == NULL ? NULL : serve(request);
    if (request->later) {
        restore_ambient(request, outer);
        return request->parted ? ANSWER_READY : ANSWER_PENDING;
    }
    bool answered = reply_finish(request, value, out);
    restore_ambient(request, outer);
    Py_XDECREF(value);
    if (request->parted) {
        if (!answered) {
            connection_hang_up(request->connection); /* Its owner ends it. */
        }
        return ANSWER_PARTED;
    }
    return answered ? ANSWER_READY : ANSWER_BROKEN;
}

/* The call of a request, and whom it is for; NULL with an exception set, or without one if its headers
 * are damaged. */
static CallObject *call_of(const Request *request, Addressee *to) {
    ServerObject *server = request->server;
    CallObject *call = call_new(true, true);
    PyObject *peer = PyUnicode_FromString(request->connection->peer);
    if (call == NULL || peer == NULL) {
        Py_XDECREF(call);
        Py_XDECREF(peer);
        return NULL;
    }
    call_set(&call->peer, peer);
    call_set(&call->callee, Py_NewRef(server->psm));
    call_set(&call->callee_cluster, Py_NewRef(server->cluster));
    call_set(&call->method, Py_NewRef(request->method->name));
    call->received = connection_received(request->connection);
    call->request_bytes = (long)request->view->size;
    if (request->view->transport == TRANSPORT_TTHEADER &&
        metadata_read(call, request->data, request->view, to) != 0) {
        Py_CLEAR(call);
    }
    return call;
}

static bool overloaded(const Request *request) {
    const ServerObject *server = request->server;
    return request->worker->refusing ||
           (server->is_async && server->pending >= server->max_pending);
}

static bool is_text(const PyObject *text, const char *bytes, size_t size) {
    Py_ssize_t own_size;
    const char *own = PyUnicode_AsUTF8AndSize((PyObject *)text, &own_size);
    if (own == NULL) {
        PyErr_Clear();
        return false;
    }
    return (size_t)own_size == size && memcmp(own, bytes, size) == 0;
}

/* Twin: is_for of pie/model/addressee.py. */
static bool is_for(const ServerObject *server, const Addressee *to) {
    if (LIKELY(to->size == 0 || is_text(server->addressee, to->text, to->size) ||
               is_text(server->psm, to->text, to->size))) {
        return true;
    }
    /* A process that has no name as an instance is any instance of its service. */
    const char *slash = memchr(to->text, '/', to->size);
    return slash != NULL && PyUnicode_Compare(server->addressee, server->psm) == 0 &&
           is_text(server->psm, to->text, (size_t)(slash - to->text));
}

/* The method that a message names, with or without a name of its service before it. Twin:
 * find_method of pie/thrift/wire/message.py. */
static Method *method_of(ServerObject *server, const MessageHead *head) {
    Method *method = method_find(&server->methods, head->name, head->name_size);
    const char *colon = method == NULL ? memchr(head->name, ':', head->name_size) : NULL;
    if (LIKELY(colon == NULL)) {
        return method;
    }
    size_t size = (size_t)(colon - head->name);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(server->names); i++) {
        PyObject *name = PyTuple_GET_ITEM(server->names, i);
        if (PyUnicode_Check(name) && is_text(name, head->name, size)) {
            return method_find(&server->methods, colon + 1, head->name_size - size - 1);
        }
    }
    return NULL;
}

/* Has the twin answer the frame. */
static Answer answer_by(const Request *request, PyObject *how) {
    ServerObject *server = request->server;
    PyObject *bytes = PyObject_CallFunction(
        how, "y#sdO", (const char *)request->data, (Py_ssize_t)request->view->size,
        request->connection->peer, connection_received(request->connection),
        request_is_last(request) ? Py_True : Py_False);
    if (bytes == Py_False) {
        Py_DECREF(bytes);
        return ANSWER_BROKEN;
    }
    int added = bytes == NULL ? -1 : reply_add(&request->worker->out, bytes);
    Py_XDECREF(bytes);
    if (added < 0) {
        PyErr_WriteUnraisable(server->twin.answer_bytes);
        return ANSWER_BROKEN;
    }
    return ANSWER_READY;
}

Answer request_answer(ServerObject *server, Worker *worker, Connection *connection,
                      const uint8_t *data, size_t size, const FrameView *view,
                      const MessageHead *head, bool *damaged) {
    Request request = {
        .server = server,
        .worker = worker,
        .connection = connection,
        .data = data,
        .size = size,
        .view = view,
        .head = head,
        .method = method_of(server, head),
    };
    bool is_call = head->type == MESSAGE_CALL || head->type == MESSAGE_ONEWAY;
    if (overloaded(&request)) {
        return answer_by(&request, server->twin.refuse);
    }
    if (request.method == NULL || !is_call) {
        return answer_by(&request, server->twin.answer_bytes);
    }
    Addressee to = {NULL, 0};
    request.call = call_of(&request, &to);
    if (request.call == NULL) {
        *damaged = !PyErr_Occurred();
        if (!*damaged) {
            PyErr_WriteUnraisable(server->handler);
        }
        return ANSWER_BROKEN;
    }
    worker->call = (PyObject *)request.call;
    Answer answer = LIKELY(is_for(server, &to)) ? run_call(&request)
                                                : answer_by(&request, server->twin.misdirect);
    worker->call = NULL;
    Py_DECREF(request.call);
    return answer;
}
