/* The bytes of a request. Twins: pie/rpc/wire/metadata.py (request_header, request_base),
 * pie/thrift/wire/base.py (fill_base), pie/rpc/wire/conversation.py (write_request). */
#include "client/request.h"

#include "base/clock.h"
#include "client/hooks.h"
#include "codec/error.h"
#include "codec/struct_write.h"
#include "frame/message.h"
#include "frame/ttheader.h"

#define SPAN_LIMIT 128
#define TRACE_ID_SIZE 32
#define HEADERS 10

/* Whether each is one of 0-9 a-f. */
static bool is_hex(const char *text, Py_ssize_t size) {
    unsigned odd = 0;
    for (Py_ssize_t i = 0; i < size; i++) {
        unsigned each = (uint8_t)text[i];
        odd |= (each - '0' > 9) & (each - 'a' > 5);
    }
    return odd == 0;
}

/* "00-<trace id>-<span>-01"; its size, or 0 with or without an exception set. */
static size_t span_with(const CallObject *call, const char *trace, char text[SPAN_LIMIT]) {
    Py_ssize_t span_size;
    const char *span = PyUnicode_AsUTF8AndSize(call->wire_span_id, &span_size);
    if (span == NULL || span_size > SPAN_LIMIT - TRACE_ID_SIZE - 8) {
        return 0;
    }
    memcpy(text, "00-", 3);
    memcpy(text + 3, trace, TRACE_ID_SIZE);
    text[3 + TRACE_ID_SIZE] = '-';
    memcpy(text + 4 + TRACE_ID_SIZE, span, (size_t)span_size);
    memcpy(text + 4 + TRACE_ID_SIZE + span_size, "-01", 3);
    return 7 + TRACE_ID_SIZE + (size_t)span_size;
}

/* The traceparent of the attempt, with the trace id that the logid is, or that stands for it; its size,
 * or 0 for what cannot be written. */
static size_t write_span(const CallObject *call, char text[SPAN_LIMIT]) {
    Py_ssize_t size = 0;
    const char *logid = PyUnicode_AsUTF8AndSize(call->logid, &size);
    size_t written = 0;
    if (LIKELY(size == TRACE_ID_SIZE && is_hex(logid, size))) {
        written = span_with(call, logid, text);
    } else if (logid != NULL) {
        PyObject *stands = PyObject_CallOneArg(client_hooks.trace_id, call->logid);
        const char *trace = stands == NULL ? NULL : PyUnicode_AsUTF8AndSize(stands, &size);
        written = trace != NULL && size == TRACE_ID_SIZE ? span_with(call, trace, text) : 0;
        Py_XDECREF(stands);
    }
    if (written == 0) {
        PyErr_Clear();
    }
    return written;
}

/* --- Base --- */

static PyObject **slot_at(PyObject *owner, Py_ssize_t slot) {
    return (PyObject **)((char *)owner + slot);
}

static void set_slot(PyObject *owner, Py_ssize_t slot, PyObject *value) {
    if (slot >= 0) {
        call_set(slot_at(owner, slot), value);
    } else {
        Py_XDECREF(value);
    }
}

/* The caller's Extra with our own pair added; NULL with an exception set. */
static PyObject *extra_of(const BaseSlots *slots, PyObject *old, PyObject *span) {
    PyObject *before = old == NULL ? NULL : *slot_at(old, slots->extra);
    bool some = before != NULL && before != Py_None;
    PyObject *extra = some ? PyDict_Copy(before) : PyDict_New();
    if (extra != NULL && PyDict_SetItemString(extra, "traceparent", span) < 0) {
        Py_CLEAR(extra);
    }
    return extra;
}

static bool is_ordinary_base(const BaseSlots *slots, PyObject *base) {
    if (base == NULL || base == Py_None) {
        return true;
    }
    if (!Py_IS_TYPE(base, slots->cls)) {
        return false;
    }
    PyObject *extra = slots->extra < 0 ? NULL : *slot_at(base, slots->extra);
    return extra == NULL || extra == Py_None || PyDict_CheckExact(extra);
}

/* Puts a new Base into the argument that holds one. */
static Way fill_base(const Attempt *attempt, const BaseSlots *slots, PyObject *span) {
    PyObject *owner = attempt->args[slots->argument];
    if (slots->owner == NULL || slots->owner_slot < 0) {
        return UNUSUAL;
    }
    if (owner == Py_None) {
        return USUAL;
    }
    if (!Py_IS_TYPE(owner, slots->owner)) {
        return UNUSUAL;
    }
    PyObject *old = *slot_at(owner, slots->owner_slot);
    if (!is_ordinary_base(slots, old)) {
        return UNUSUAL;
    }
    old = old == Py_None ? NULL : Py_XNewRef(old); /* Making the new one may run Python. */
    PyObject *base = PyObject_CallNoArgs((PyObject *)slots->cls);
    PyObject *extra = NULL;
    if (base != NULL && slots->extra >= 0) {
        extra = extra_of(slots, old, span);
    }
    Py_XDECREF(old);
    if (base == NULL || (slots->extra >= 0 && extra == NULL)) {
        Py_XDECREF(base);
        return ERROR;
    }
    if (UNLIKELY(!Py_IS_TYPE(base, slots->cls))) { /* A class may return another object. */
        Py_DECREF(base);
        Py_XDECREF(extra);
        return UNUSUAL;
    }
    set_slot(base, slots->logid, Py_NewRef(attempt->call->logid));
    set_slot(base, slots->caller, Py_NewRef(attempt->call->caller));
    set_slot(base, slots->addr, Py_NewRef(attempt->plan->host));
    set_slot(base, slots->client, Py_NewRef(attempt->method->client));
    set_slot(base, slots->extra, extra);
    set_slot(owner, slots->owner_slot, base);
    return USUAL;
}

static Way fill_bases(const Attempt *attempt, const char *span_text, size_t span_size) {
    if (attempt->method->base_count == 0) {
        return USUAL;
    }
    if (PyUnicode_GET_LENGTH(attempt->call->env) != 0 ||
        PyUnicode_GET_LENGTH(attempt->call->traffic) != 0) {
        return UNUSUAL; /* It needs a TrafficEnv, or one pair more in Extra. */
    }
    PyObject *span = PyUnicode_FromStringAndSize(span_text, (Py_ssize_t)span_size);
    Way way = span == NULL ? ERROR : USUAL;
    for (int i = 0; way == USUAL && i < attempt->method->base_count; i++) {
        way = fill_base(attempt, &attempt->method->bases[i], span);
    }
    Py_XDECREF(span);
    return way;
}

/* --- TTHeader --- */

typedef struct {
    int key;
    const char *text;
    Py_ssize_t size;
} IntHeader;

static size_t prefixed(char *key, const char *prefix, size_t prefix_size, const char *text,
                       size_t size) {
    memcpy(key, prefix, prefix_size);
    memcpy(key + prefix_size, text, size);
    return prefix_size + size;
}

/* The pairs of a dict, with a prefix before their keys. */
static bool write_pairs(Buffer *out, PyObject *pairs, const char *prefix) {
    char key[256];
    PyObject *name, *value;
    Py_ssize_t at = 0, name_size, value_size;
    while (pairs != NULL && PyDict_Next(pairs, &at, &name, &value)) {
        const char *text = PyUnicode_Check(name) ? PyUnicode_AsUTF8AndSize(name, &name_size) : NULL;
        const char *worth =
            text && PyUnicode_Check(value) ? PyUnicode_AsUTF8AndSize(value, &value_size) : NULL;
        if (worth == NULL || name_size > 200) {
            PyErr_Clear();
            return false;
        }
        size_t size = prefixed(key, prefix, strlen(prefix), text, (size_t)name_size);
        if (header_add_text(out, key, size, worth, (size_t)value_size) < 0) {
            return false;
        }
    }
    return true;
}

static Py_ssize_t count_of(PyObject *pairs) {
    return pairs == NULL ? 0 : PyDict_GET_SIZE(pairs);
}

/* A pair whose value is a text; none for an empty one. */
static bool write_text(Buffer *out, const char *key, size_t key_size, PyObject *text) {
    Py_ssize_t size;
    const char *value = PyUnicode_AsUTF8AndSize(text, &size);
    if (value == NULL) {
        PyErr_Clear();
        return false;
    }
    return size == 0 || header_add_text(out, key, key_size, value, (size_t)size) == 0;
}

static bool write_strings(Buffer *out, const Attempt *attempt) {
    const CallObject *call = attempt->call;
    PyObject *service = attempt->plan->service, *addressee = attempt->addressee;
    Py_ssize_t count = count_of(call->persist) + count_of(call->transit) +
                       (PyUnicode_GET_LENGTH(service) > 0) + (PyUnicode_GET_LENGTH(addressee) > 0);
    if (count == 0) {
        return true;
    }
    return count <= UINT16_MAX && header_block(out, true, (unsigned)count) == 0 &&
           write_pairs(out, call->persist, "RPC_PERSIST_") &&
           write_pairs(out, call->transit, "RPC_TRANSIT_") &&
           write_text(out, "isn", 3, service) && write_text(out, "pie-to", 6, addressee);
}

/* Twin: stress_tag_of of pie/model/persisted.py; none for a call that belongs to no load test. */
static PyObject *stress_tag(const CallObject *call) {
    if (LIKELY(PyUnicode_GET_LENGTH(call->traffic) == 0) ||
        PyUnicode_CompareWithASCIIString(call->traffic, "stress") != 0) {
        return NULL;
    }
    PyObject *tag = call->persist == NULL ? NULL : PyDict_GetItemString(call->persist, "PIE_STRESS_TAG");
    bool named = tag != NULL && PyUnicode_Check(tag) && PyUnicode_GET_LENGTH(tag) > 0;
    return named ? tag : call->traffic;
}

static bool write_ints(Buffer *out, const CallObject *call, const char *span, size_t span_size) {
    PyObject *texts[] = {call->logid, call->caller, call->caller_cluster, call->callee,
                         call->callee_cluster, call->method, call->env};
    static const int keys[] = {KEY_LOGID, KEY_FROM_SERVICE, KEY_FROM_CLUSTER, KEY_TO_SERVICE,
                               KEY_TO_CLUSTER, KEY_TO_METHOD, KEY_ENV};
    IntHeader headers[HEADERS];
    unsigned count = 0;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        IntHeader *header = &headers[count];
        header->key = keys[i];
        header->text = PyUnicode_AsUTF8AndSize(texts[i], &header->size);
        if (header->text == NULL) {
            PyErr_Clear();
            return false;
        }
        count += header->size > 0;
    }
    headers[count++] = (IntHeader){KEY_SPAN_CONTEXT, span, (Py_ssize_t)span_size};
    PyObject *tag = stress_tag(call);
    if (UNLIKELY(tag != NULL)) {
        IntHeader *header = &headers[count++];
        header->key = KEY_STRESS_TAG;
        header->text = PyUnicode_AsUTF8AndSize(tag, &header->size);
        if (header->text == NULL) {
            PyErr_Clear();
            return false;
        }
    }
    char timeout[24];
    double ends = call_attempt_ends(call);
    if (!isnan(ends)) {
        double left = (ends - monotonic_now()) * 1000;
        int size = PyOS_snprintf(timeout, sizeof timeout, "%lld",
                                 left < 1 ? 1LL : left > 1e15 ? (long long)1e15 : (long long)left);
        headers[count++] = (IntHeader){KEY_RPC_TIMEOUT, timeout, size};
    }
    if (header_block(out, false, count) < 0) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        if (header_add_int(out, headers[i].key, headers[i].text, (size_t)headers[i].size) < 0) {
            return false;
        }
    }
    return true;
}

/* --- The whole --- */

static bool open_frame(const Attempt *attempt, Buffer *out, const char *span, size_t span_size) {
    if (attempt->transport == TRANSPORT_FRAMED) {
        uint8_t *length = buffer_room(out, LENGTH_SIZE);
        out->size += length == NULL ? 0 : LENGTH_SIZE;
        return length != NULL;
    }
    return ttheader_begin(out, 0, attempt->seqid, attempt->protocol) != SIZE_MAX &&
           write_strings(out, attempt) &&
           write_ints(out, attempt->call, span, span_size) && ttheader_close(out, 0, true) == 0;
}

Way request_write(const Attempt *attempt, Buffer *out) {
    const Method *method = attempt->method;
    char span[SPAN_LIMIT];
    size_t span_size = write_span(attempt->call, span);
    if (span_size == 0) {
        return UNUSUAL;
    }
    Way way = fill_bases(attempt, span, span_size);
    if (way != USUAL) {
        return way;
    }
    MessageType type = method->result == NULL ? MESSAGE_ONEWAY : MESSAGE_CALL;
    if (!open_frame(attempt, out, span, span_size) ||
        message_head_write(out, attempt->protocol, type, attempt->seqid, method->utf8,
                           (size_t)method->utf8_size) < 0) {
        return UNUSUAL;
    }
    if (fields_encode(out, attempt->protocol, method->args, attempt->args, DEFAULT_MAX_DEPTH) < 0) {
        codec_error_under("%s", method->args->cls->tp_name);
        return ERROR;
    }
    if (attempt->transport == TRANSPORT_FRAMED) {
        store_u32(out->data, (uint32_t)(out->size - LENGTH_SIZE));
    } else {
        ttheader_end(out, 0, true);
    }
    return USUAL;
}
