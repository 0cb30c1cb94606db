#include "server/request.h"

#include "base/errors.h"
#include "call/outcome.h"
#include "codec/error.h"
#include "frame/ttheader.h"
#include "server/metadata.h"
#include "server/request_base.h"

#define SLOW_NS 200000 /* a method that takes longer gets its thread to itself */
#define AVERAGE_OVER 8
#define STACK_ARGUMENTS 16
#define CLOSING_KEY "crrst"

static bool closing(const Request *request) {
    return atomic_load(&request->server->loop.draining);
}

/* How the reply is to be put on the wire, for the twin: pie.rpc.server.dispatch.Form. */
static PyObject *form_of(const Request *request) {
    const FrameView *view = request->view;
    return Py_BuildValue("(iiiOO)", view->transport, view->protocol, request->head->seqid,
                         view->transport == TRANSPORT_TTHEADER && view->inner_framed ? Py_True
                                                                                     : Py_False,
                         closing(request) ? Py_True : Py_False);
}

static int add_bytes(Buffer *out, PyObject *bytes) {
    if (bytes == Py_None) {
        return 0;
    }
    if (!PyBytes_Check(bytes)) {
        PyErr_SetString(PyExc_TypeError, "a reply is bytes");
        return -1;
    }
    size_t size = (size_t)PyBytes_GET_SIZE(bytes);
    if (size > 0 && buffer_add(out, PyBytes_AS_STRING(bytes), size) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

/* --- Replies --- */

static int write_headers(const Request *request, Buffer *out, size_t *begin) {
    *begin = out->size;
    if (request->view->transport == TRANSPORT_BUFFERED) {
        return 0;
    }
    if (request->view->transport == TRANSPORT_FRAMED) {
        if (buffer_room(out, LENGTH_SIZE) == NULL) {
            return -1;
        }
        out->size += LENGTH_SIZE;
        return 0;
    }
    *begin = ttheader_begin(out, 0, request->head->seqid, request->view->protocol);
    if (*begin == SIZE_MAX) {
        return -1;
    }
    if (closing(request) &&
        (header_block(out, true, 1) < 0 ||
         header_add_text(out, CLOSING_KEY, sizeof CLOSING_KEY - 1, "1", 1) < 0)) {
        return -1;
    }
    return ttheader_close(out, *begin, request->view->inner_framed);
}

/* An ordinary answer: the value alone. -1 with an exception set and nothing written. */
static int write_reply(const Request *request, PyObject *value, Buffer *out) {
    const Method *method = request->method;
    size_t before = out->size, begin = 0;
    if (write_headers(request, out, &begin) < 0 ||
        message_head_write(out, request->view->protocol, MESSAGE_REPLY, request->head->seqid,
                           method->utf8, (size_t)method->utf8_size) < 0) {
        PyErr_NoMemory();
        out->size = before;
        return -1;
    }
    PyObject *few[STACK_ARGUMENTS] = {NULL};
    PyObject **values = few;
    if (method->result_count > STACK_ARGUMENTS) {
        values = PyMem_Calloc((size_t)method->result_count, sizeof *values);
        if (values == NULL) {
            PyErr_NoMemory();
            out->size = before;
            return -1;
        }
    }
    if (method->success >= 0) {
        values[method->success] = value;
    }
    int written = fields_encode(out, request->view->protocol, method->result, values,
                                DEFAULT_MAX_DEPTH);
    if (values != few) {
        PyMem_Free(values);
    }
    if (written == 0 && out->size - before > INT32_MAX) {
        codec_error("a reply of %zu bytes: a frame holds 2 GiB", out->size - before);
        written = -1;
    }
    if (written < 0) {
        codec_error_under("%s", method->result_cls->tp_name);
        out->size = before;
        return -1;
    }
    if (request->view->transport == TRANSPORT_TTHEADER) {
        ttheader_end(out, begin, request->view->inner_framed);
    } else if (request->view->transport == TRANSPORT_FRAMED) {
        store_u32(out->data + begin, (uint32_t)(out->size - begin - LENGTH_SIZE));
    }
    request->call->response_bytes = (long)(out->size - before);
    return 0;
}

/* An answer that says more than its value: the twin writes it. */
static int write_by_twin(const Request *request, PyObject *result, Buffer *out) {
    PyObject *form = form_of(request);
    PyObject *bytes = form == NULL
                          ? NULL
                          : PyObject_CallMethod(request->server->twin, "reply", "OOOO",
                                                request->method->description, result,
                                                request->call, form);
    Py_XDECREF(form);
    int added = bytes == NULL ? -1 : add_bytes(out, bytes);
    Py_XDECREF(bytes);
    return added;
}

/* The Failure that is set becomes the reply. */
static bool write_failure(const Request *request, Buffer *out) {
    PyObject *failure = error_take();
    PyObject *form = form_of(request);
    PyObject *bytes = form == NULL
                          ? NULL
                          : PyObject_CallMethod(request->server->twin, "failed", "OOOO",
                                                request->method->description, failure,
                                                request->call, form);
    Py_XDECREF(form);
    Py_DECREF(failure);
    int added = bytes == NULL ? -1 : request->method->result == NULL ? 0 : add_bytes(out, bytes);
    Py_XDECREF(bytes);
    if (added < 0) {
        PyErr_WriteUnraisable(request->server->twin);
    }
    return added == 0;
}

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
        PyObject *raised = PyObject_CallMethod(request->server->twin, "unreadable", "OOO",
                                               method->description, request->call, error);
        Py_XDECREF(raised); /* It raises. */
        Py_DECREF(error);
    }
    return -1;
}

/* Runs the handler; its value, or NULL with an exception set. */
static PyObject *run_handler(Request *request, PyObject **stack) {
    Method *method = request->method;
    Worker *worker = request->worker;
    bool slow = method->average_ns > SLOW_NS;
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

/* What a handler may return without a word about it: a value where one is due, else none. */
static int check_value(const Method *method, PyObject *value) {
    if ((method->success >= 0) == (value != Py_None)) {
        return 0;
    }
    PyObject *raised = PyObject_CallMethod(method->description, "success", "O", value);
    Py_XDECREF(raised);
    return -1;
}

static int fill_response(const Request *request, PyObject *value) {
    const Method *method = request->method;
    if (method->resp == NULL) {
        return 0;
    }
    if (Py_IS_TYPE(value, method->resp->owner)) {
        return resp_fill(method, value, request->call);
    }
    PyObject *filled = PyObject_CallMethod(request->server->twin, "fill", "OO", request->call, value);
    Py_XDECREF(filled);
    return filled == NULL ? -1 : 0;
}

static bool says_more(const CallObject *call) {
    return call->code != 0 || (call->backward != NULL && PyDict_GET_SIZE(call->backward) > 0);
}

static int reply_value(const Request *request, PyObject *value, Buffer *out) {
    const Method *method = request->method;
    if (method->result == NULL) {
        return 0; /* Oneway: whatever it returned. */
    }
    if (check_value(method, value) < 0 || fill_response(request, value) < 0) {
        return -1;
    }
    if (UNLIKELY(says_more(request->call))) {
        PyObject *result = PyObject_CallMethod(method->description, "success", "O", value);
        int written = result == NULL ? -1 : write_by_twin(request, result, out);
        Py_XDECREF(result);
        return written;
    }
    return write_reply(request, value, out);
}

/* An exception that is an answer: the IDL declares it, or it is a business status. Any other stays
 * set. */
static int reply_exception(const Request *request, Buffer *out) {
    if (!PyErr_ExceptionMatches(request->server->answers)) {
        return -1;
    }
    PyObject *error = error_take();
    PyObject *form = form_of(request);
    PyObject *bytes = form == NULL
                          ? NULL
                          : PyObject_CallMethod(request->server->twin, "raised", "OOOO",
                                                request->method->description, request->call, error,
                                                form);
    Py_XDECREF(form);
    int written = -1;
    if (bytes == Py_None) {
        error_give(error);
    } else {
        Py_DECREF(error);
        written = bytes == NULL ? -1 : add_bytes(out, bytes);
    }
    Py_XDECREF(bytes);
    return written;
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
    PyObject *value = serve_with(request, stack + 1); /* The call may use the place before. */
    if (stack != few) {
        PyMem_Free(stack);
    }
    return value;
}

/* --- The call --- */

/* One call that took very long, for whatever reason, does not make its method a slow one. */
static void observe_duration(Method *method, const CallObject *call) {
    int64_t took = (int64_t)((call->end - call->start) * 1e9);
    took = took > 2 * SLOW_NS ? 2 * SLOW_NS : took;
    method->average_ns += (took - method->average_ns) / AVERAGE_OVER;
}

/* The reply with the result that a gate gave to a call which had failed. False with a Failure set. */
static bool reply_result(Request *request, Buffer *out) {
    PyObject *result = Py_NewRef(request->call->result ? request->call->result : Py_None);
    int written = reply_value(request, result, out);
    Py_DECREF(result);
    if (written < 0) {
        PyObject *error = error_take();
        error_give(call_fail_with(request->call, error));
        Py_DECREF(error);
    }
    return written == 0;
}

bool request_finish(Request *request, PyObject *value, Buffer *out) {
    size_t before = out->size;
    int written = value == NULL ? reply_exception(request, out) : reply_value(request, value, out);
    Step step = flow_drive(&request->flow, NULL);
    flow_clear(&request->flow);
    observe_duration(request->method, request->call);
    if (step == STEP_DONE && (written == 0 || reply_result(request, out))) {
        return true;
    }
    out->size = before;
    return write_failure(request, out);
}

/* Makes the call ambient while the handler starts, and undoes it whatever is set then. */
static void restore_ambient(const Request *request, PyObject *outer) {
    PyObject *error = error_take();
    if (outer != NULL && current_call_reset(outer) < 0) {
        PyErr_WriteUnraisable(request->server->twin);
    }
    error_give(error);
}

/* A gate rejected the call; maybe another one gave it a result all the same. */
static Answer answer_without_handler(Request *request, Step step) {
    Buffer *out = &request->worker->out;
    flow_clear(&request->flow);
    bool replied = step == STEP_DONE && reply_result(request, out);
    return replied || write_failure(request, out) ? ANSWER_READY : ANSWER_BROKEN;
}

/* Takes the call through its gates around the handler. */
static Answer run_call(Request *request) {
    Buffer *out = &request->worker->out;
    /* A gate in Python may wait, as a handler may. */
    worker_enter_handler(request->worker, monotonic_ns(), false);
    int begun = flow_init(&request->flow, (PyObject *)request->call, request->server->course);
    Step step = begun < 0 ? STEP_ERROR : flow_drive(&request->flow, NULL);
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
    bool told = request_finish(request, value, out);
    restore_ambient(request, outer);
    Py_XDECREF(value);
    if (request->parted) {
        if (!told) {
            connection_hang_up(request->connection); /* Somebody else's by now: they end it. */
        }
        return ANSWER_PARTED;
    }
    return told ? ANSWER_READY : ANSWER_BROKEN;
}

/* The call of a request; NULL with an exception set, or without one if its headers are damaged. */
static CallObject *call_of(const Request *request) {
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
    call->received = request->connection->received;
    call->request_bytes = (long)request->view->size;
    if (request->view->transport == TRANSPORT_TTHEADER &&
        metadata_read(call, request->data, request->view) != 0) {
        Py_CLEAR(call);
    }
    return call;
}

static bool overloaded(const Request *request) {
    const ServerObject *server = request->server;
    return request->worker->refusing ||
           (server->is_async && server->pending >= server->max_pending);
}

/* Unknown methods, messages that are no calls, and everything while too much is being
 * done already. */
static Answer answer_by_twin(const Request *request) {
    ServerObject *server = request->server;
    const char *how = overloaded(request) ? "refuse" : "answer_bytes";
    PyObject *bytes = PyObject_CallMethod(
        server->twin, how, "y#sdO", (const char *)request->data, (Py_ssize_t)request->view->size,
        request->connection->peer, request->connection->received,
        closing(request) ? Py_True : Py_False);
    if (bytes == Py_False) {
        Py_DECREF(bytes);
        return ANSWER_BROKEN;
    }
    int added = bytes == NULL ? -1 : add_bytes(&request->worker->out, bytes);
    Py_XDECREF(bytes);
    if (added < 0) {
        PyErr_WriteUnraisable(server->twin);
        return ANSWER_BROKEN;
    }
    return ANSWER_READY;
}

Answer request_answer(ServerObject *server, Worker *worker, Connection *connection,
                      const uint8_t *data, size_t size, const FrameView *view,
                      const MessageHead *head) {
    Request request = {
        .server = server,
        .worker = worker,
        .connection = connection,
        .data = data,
        .size = size,
        .view = view,
        .head = head,
        .method = method_find(&server->methods, head->name, head->name_size),
    };
    bool is_call = head->type == MESSAGE_CALL || head->type == MESSAGE_ONEWAY;
    if (request.method == NULL || !is_call || overloaded(&request)) {
        return answer_by_twin(&request);
    }
    request.call = call_of(&request);
    if (request.call == NULL) {
        if (!PyErr_Occurred()) {
            return ANSWER_DAMAGED;
        }
        PyErr_WriteUnraisable(server->twin);
        return ANSWER_BROKEN;
    }
    Answer answer = run_call(&request);
    Py_DECREF(request.call);
    return answer;
}
