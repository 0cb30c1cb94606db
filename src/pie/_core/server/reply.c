/* Replies: from the end of a handler to bytes. */
#include "server/reply.h"

#include "base/errors.h"
#include "call/outcome.h"
#include "base/named.h"
#include "codec/error.h"
#include "codec/struct_write.h"
#include "frame/ttheader.h"
#include "server/request_base.h"

#define AVERAGE_OVER 8
#define FEW_FIELDS 16
#define CLOSING_KEY "crrst"

/* Interned names of attributes of pie.thrift.Method. */
static struct MethodNames {
    PyObject *success;
} names;

static const NamedField name_fields[] = {NAMED(struct MethodNames, success, NAME), NAMED_END};
static NamedStruct names_struct = {"pie.thrift.service.Method", name_fields};

int reply_add(Buffer *out, PyObject *bytes) {
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

/* The form of a reply that the twin writes: keywords of pie.rpc.server.dispatch.Form.of_native. */
static PyObject *form_of(const Request *request) {
    const FrameView *view = request->view;
    bool framed = view->transport == TRANSPORT_TTHEADER && view->inner_framed;
    return Py_BuildValue("{s:i,s:i,s:i,s:O,s:O}", "transport", view->transport, "protocol",
                         view->protocol, "seqid", request->head->seqid, "framed",
                         framed ? Py_True : Py_False, "closing",
                         request_is_last(request) ? Py_True : Py_False);
}

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
    if (request_is_last(request) &&
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
    PyObject *few[FEW_FIELDS] = {NULL};
    PyObject **values = few;
    if (method->result_count > FEW_FIELDS) {
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

/* An answer with a business status or backward values: the twin writes it. */
static int write_by_twin(const Request *request, PyObject *result, Buffer *out) {
    PyObject *form = form_of(request);
    PyObject *bytes = form == NULL
                          ? NULL
                          : PyObject_CallFunction(request->server->twin.reply, "OOOO", request->method->description, result,
                                                request->call, form);
    Py_XDECREF(form);
    int added = bytes == NULL ? -1 : reply_add(out, bytes);
    Py_XDECREF(bytes);
    return added;
}

bool reply_failure(const Request *request, Buffer *out) {
    PyObject *failure = error_take();
    PyObject *form = form_of(request);
    PyObject *bytes = form == NULL
                          ? NULL
                          : PyObject_CallFunction(request->server->twin.failed, "OOOO", request->method->description, failure,
                                                request->call, form);
    Py_XDECREF(form);
    Py_DECREF(failure);
    int added = bytes == NULL ? -1 : request->method->result == NULL ? 0 : reply_add(out, bytes);
    Py_XDECREF(bytes);
    if (added < 0) {
        PyErr_WriteUnraisable(request->server->twin.failed);
    }
    return added == 0;
}

/* Checks that there is a value where one is due, and else none; -1 with an exception set. */
static int check_value(const Method *method, PyObject *value) {
    if ((method->success >= 0) == (value != Py_None)) {
        return 0;
    }
    PyObject *raised = PyObject_CallMethodOneArg(method->description, names.success, value);
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
    PyObject *filled = PyObject_CallFunction(request->server->twin.fill, "OO", request->call, value);
    Py_XDECREF(filled);
    return filled == NULL ? -1 : 0;
}

static bool has_more(const CallObject *call) {
    return call->code != 0 || (call->backward != NULL && PyDict_GET_SIZE(call->backward) > 0);
}

int reply_value(const Request *request, PyObject *value, Buffer *out) {
    const Method *method = request->method;
    if (method->result == NULL) {
        return 0; /* Oneway: whatever it returned. */
    }
    if (check_value(method, value) < 0 || fill_response(request, value) < 0) {
        return -1;
    }
    if (UNLIKELY(has_more(request->call))) {
        PyObject *result = PyObject_CallMethodOneArg(method->description, names.success, value);
        int written = result == NULL ? -1 : write_by_twin(request, result, out);
        Py_XDECREF(result);
        return written;
    }
    return write_reply(request, value, out);
}

/* The reply to an exception that is an answer: the IDL declares it, or it is a BusinessError. Any
 * other stays set. */
static int reply_exception(const Request *request, Buffer *out) {
    if (!PyErr_ExceptionMatches(request->server->answers)) {
        return -1;
    }
    PyObject *error = error_take();
    PyObject *form = form_of(request);
    PyObject *bytes = form == NULL
                          ? NULL
                          : PyObject_CallFunction(request->server->twin.raised, "OOOO", request->method->description, request->call, error,
                                                form);
    Py_XDECREF(form);
    int written = -1;
    if (bytes == Py_None) {
        error_give(error);
    } else {
        Py_DECREF(error);
        written = bytes == NULL ? -1 : reply_add(out, bytes);
    }
    Py_XDECREF(bytes);
    return written;
}

/* A single call that took very long does not make its method a slow one. */
static void observe_duration(Method *method, const CallObject *call) {
    int64_t took = (int64_t)((call->end - call->start) * 1e9);
    took = took > 2 * METHOD_SLOW_NS ? 2 * METHOD_SLOW_NS : took;
    method->average_ns += (took - method->average_ns) / AVERAGE_OVER;
}

bool reply_result(Request *request, Buffer *out) {
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

void reply_withhold(const Request *request, Buffer *out, size_t before) {
    if (request->head->type == MESSAGE_ONEWAY) {
        out->size = before;
    }
}

static bool finish(Request *request, PyObject *value, Buffer *out) {
    size_t before = out->size;
    int written = value == NULL ? reply_exception(request, out) : reply_value(request, value, out);
    Step step = flow_drive(&request->flow, NULL);
    flow_clear(&request->flow);
    observe_duration(request->method, request->call);
    if (step == STEP_DONE && (written == 0 || reply_result(request, out))) {
        return true;
    }
    out->size = before;
    return reply_failure(request, out);
}

bool reply_finish(Request *request, PyObject *value, Buffer *out) {
    size_t before = out->size;
    bool answered = finish(request, value, out);
    reply_withhold(request, out, before);
    return answered;
}

int reply_init(void) {
    return named_add(&names_struct) < 0 ? -1 : named_intern(&names_struct, &names);
}
