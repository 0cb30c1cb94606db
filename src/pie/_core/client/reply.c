/* A reply: its value, and whether its connection can be used again. Twin: read_answer of
 * pie/rpc/wire/conversation.py. */
#include "client/reply.h"

#include "call/outcome.h"
#include "codec/struct_read.h"
#include "frame/message.h"
#include "frame/ttheader.h"

#define FEW 4

static bool is(const HeaderEntry *entry, const char *text) {
    return entry->key_size == strlen(text) && memcmp(entry->key, text, entry->key_size) == 0;
}

/* Reserved, and of no meaning to a client. Twin: is_reserved of pie/rpc/wire/metadata.py. */
static bool is_idle(const HeaderEntry *entry) {
    static const char *const keys[] = {"rip", "isn", "tc", "ti", "crc32c"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (is(entry, keys[i])) {
            return true;
        }
    }
    return false;
}

/* False for headers with a business status or backward values, which the twin reads. */
static bool read_headers(const uint8_t *data, const FrameView *view, Reply *reply) {
    HeaderReader reader = {.at = data + view->blocks, .end = data + view->blocks_end};
    HeaderEntry entry;
    bool plain = true;
    int found;
    while ((found = header_next(&reader, &entry)) > 0) {
        if (entry.key == NULL) {
            continue;
        }
        bool closing = is(&entry, "crrst");
        reply->closing |= closing;
        plain &= closing || is_idle(&entry);
    }
    reply->closing |= found < 0; /* Damaged. */
    return plain && found == 0;
}

/* Takes a business status from the BaseResp of a value. */
static Way read_resp(const Attempt *attempt, PyObject *value) {
    const RespSlots *slots = attempt->method->resp;
    if (slots == NULL || !Py_IS_TYPE(value, slots->owner)) {
        return USUAL;
    }
    PyObject *resp = *(PyObject **)((char *)value + slots->owner_slot);
    if (resp == NULL || resp == Py_None) {
        return USUAL;
    }
    if (UNLIKELY(!Py_IS_TYPE(resp, slots->cls))) {
        return UNUSUAL; /* A hand-written constructor made another object. */
    }
    PyObject *code = *(PyObject **)((char *)resp + slots->code);
    if (code == NULL || code == Py_None || (PyLong_Check(code) && PyObject_IsTrue(code) == 0)) {
        return USUAL;
    }
    PyObject *message = *(PyObject **)((char *)resp + slots->message);
    long number = PyLong_AsLong(code);
    if ((number == -1 && PyErr_Occurred()) || message == NULL || !PyUnicode_Check(message)) {
        PyErr_Clear();
        return UNUSUAL;
    }
    return call_business(attempt->call, number, message) < 0 ? ERROR : USUAL;
}

/* The value among the fields of a result, whose references are taken over. UNUSUAL = it is an
 * exception, or there is none. */
static Way take_value(const Attempt *attempt, PyObject **values, Reply *reply) {
    const Method *method = attempt->method;
    int set = 0;
    for (int i = 0; i < method->result_count; i++) {
        set += values[i] != NULL && values[i] != Py_None;
    }
    int success = method->success;
    bool has_value = success >= 0 && values[success] != NULL && values[success] != Py_None;
    bool usual = success < 0 ? set == 0 : set == 1 && has_value;
    reply->value = Py_NewRef(usual && success >= 0 ? values[success] : Py_None);
    for (int i = 0; i < method->result_count; i++) {
        Py_CLEAR(values[i]);
    }
    Way way = usual ? read_resp(attempt, reply->value) : UNUSUAL;
    if (way != USUAL) {
        Py_CLEAR(reply->value);
    }
    return way;
}

static Way read_result(const Attempt *attempt, Source *source, Reply *reply) {
    PyObject *few[FEW] = {NULL}, **values = few;
    const Method *method = attempt->method;
    if (method->result_count > FEW) {
        return UNUSUAL;
    }
    if (fields_decode(source, attempt->protocol, method->result, values, DEFAULT_MAX_DEPTH) < 0) {
        if (PyErr_ExceptionMatches(PyExc_MemoryError)) {
            return ERROR;
        }
        PyErr_Clear();
        return UNUSUAL; /* The twin fails as well, and raises the error. */
    }
    if (source->at != source->end) {
        for (int i = 0; i < method->result_count; i++) {
            Py_CLEAR(values[i]);
        }
        return UNUSUAL;
    }
    return take_value(attempt, values, reply);
}

Way reply_read(const Attempt *attempt, const uint8_t *data, const FrameView *view, Reply *reply) {
    const Method *method = attempt->method;
    const uint8_t *message = data + view->payload;
    MessageHead head;
    *reply = (Reply){0};
    if (message_head_read(message, view->payload_end - view->payload, &head) != NULL) {
        return UNUSUAL;
    }
    reply->in_step = head.seqid == attempt->seqid && head.name_size == (size_t)method->utf8_size &&
                     memcmp(head.name, method->utf8, head.name_size) == 0;
    bool has_header = view->transport == TRANSPORT_TTHEADER;
    bool plain = !has_header || read_headers(data, view, reply);
    /* Some servers (Kitex) close then, and without headers cannot say so before. */
    reply->closing |= head.type == MESSAGE_EXCEPTION && !has_header;
    if (!plain || !reply->in_step || head.type != MESSAGE_REPLY ||
        head.protocol != attempt->protocol) {
        return UNUSUAL;
    }
    Source source = {
        .begin = message,
        .at = message + head.body,
        .end = data + view->payload_end,
        .memory_limit = DEFAULT_DECODED_LIMIT,
    };
    Way way = read_result(attempt, &source, reply);
    if (way == USUAL) {
        attempt->call->response_bytes = (long)view->size;
    }
    return way;
}
