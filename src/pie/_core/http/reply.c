/* A reply as bytes: its head, and the parts of its body. */
#include "http/reply.h"

#include <stdio.h>

#include "http/date.h"
#include "http/octets.h"

#define SERVER_FIELD "Server: pie\r\n"
#define ADD(out, literal) buffer_add(out, literal, sizeof(literal) - 1)

/* --- What the application gives. --- */

/* The bytes of a str as WSGI wants it, of Latin-1 characters; NULL with an exception set. */
static const uint8_t *latin1(PyObject *text, size_t *size, const char *what) {
    if (UNLIKELY(!PyUnicode_Check(text))) {
        PyErr_Format(PyExc_TypeError, "%s must be a str, not %.100s", what, Py_TYPE(text)->tp_name);
        return NULL;
    }
#if PY_VERSION_HEX < 0x030C0000
    if (PyUnicode_READY(text) < 0) {
        return NULL;
    }
#endif
    if (UNLIKELY(PyUnicode_KIND(text) != PyUnicode_1BYTE_KIND)) {
        PyErr_Format(PyExc_ValueError, "%s holds a character beyond Latin-1: %.200R", what, text);
        return NULL;
    }
    *size = (size_t)PyUnicode_GET_LENGTH(text);
    return PyUnicode_1BYTE_DATA(text);
}

/* Whether nothing in it would end its line, or confuse who reads it. */
static bool is_clean(const uint8_t *data, size_t size) {
    return value_end(data, data + size) == data + size;
}

static bool is_token(const uint8_t *data, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (UNLIKELY(!octet_is(data[i], OCTET_TOKEN))) {
            return false;
        }
    }
    return size > 0;
}

#define IS(literal) octets_are(name, name_size, literal)

/* What a field means to the server; true = the server sets it itself. */
static bool read_field(Exchange *exchange, const uint8_t *name, size_t name_size,
                       const uint8_t *value, size_t value_size) {
    switch (name_size) {
    case 2:
        return IS("te");
    case 4:
        exchange->has_date |= IS("date");
        return false;
    case 6:
        exchange->has_server |= IS("server");
        return false;
    case 7:
        return IS("trailer") || IS("upgrade");
    case 10:
        if (IS("connection")) {
            exchange->close |= octets_are(value, value_size, "close");
            return true;
        }
        return IS("keep-alive");
    case 14:
        if (IS("content-length")) {
            int64_t length = 0;
            for (size_t i = 0; i < value_size; i++) {
                bool digit = value[i] >= '0' && value[i] <= '9' && value_size <= 18;
                length = digit && length >= 0 ? length * 10 + (value[i] - '0') : -2;
            }
            exchange->length = value_size == 0 ? -2 : length;
            return true;
        }
        return false;
    case 17:
        return IS("transfer-encoding");
    default:
        return false;
    }
}

static int add_field(Exchange *exchange, PyObject *pair) {
    if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) {
        PyErr_Format(PyExc_TypeError, "a header must be a tuple of name and value, not %.200R", pair);
        return -1;
    }
    size_t name_size, value_size;
    const uint8_t *name = latin1(PyTuple_GET_ITEM(pair, 0), &name_size, "the name of a header");
    const uint8_t *value =
        name == NULL ? NULL : latin1(PyTuple_GET_ITEM(pair, 1), &value_size, "the value of a header");
    if (value == NULL) {
        return -1;
    }
    if (UNLIKELY(!is_token(name, name_size) || !is_clean(value, value_size))) {
        PyErr_Format(PyExc_ValueError, "a header's name or value holds what it must not: %.200R", pair);
        return -1;
    }
    if (read_field(exchange, name, name_size, value, value_size)) {
        if (exchange->length == -2) {
            PyErr_Format(PyExc_ValueError, "Content-Length is no number of bytes: %.200R", pair);
            return -1;
        }
        return 0;
    }
    Buffer *fields = &exchange->fields;
    uint8_t *room = buffer_room(fields, name_size + value_size + 4);
    if (room == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memcpy(room, name, name_size);
    memcpy(room + name_size, ": ", 2);
    memcpy(room + name_size + 2, value, value_size);
    memcpy(room + name_size + 2 + value_size, "\r\n", 2);
    fields->size += name_size + value_size + 4;
    return 0;
}

static int read_status(Exchange *exchange, PyObject *status) {
    size_t size;
    const uint8_t *text = latin1(status, &size, "the status");
    if (text == NULL) {
        return -1;
    }
    int code = 0;
    for (size_t i = 0; i < 3 && i < size && text[i] >= '0' && text[i] <= '9'; i++) {
        code = code * 10 + (text[i] - '0');
    }
    if (code < 200 || code > 999 || (size > 3 && text[3] != ' ') || !is_clean(text, size)) {
        PyErr_Format(PyExc_ValueError, "a status must be like '200 OK', not %.200R", status);
        return -1;
    }
    exchange->code = code;
    Py_XSETREF(exchange->status, Py_NewRef(status));
    return 0;
}

int exchange_start(Exchange *exchange, PyObject *status, PyObject *headers) {
    exchange->fields.size = 0;
    exchange->length = -1;
    exchange->has_date = exchange->has_server = exchange->close = false;
    Py_CLEAR(exchange->status);
    if (!PyList_Check(headers)) {
        PyErr_Format(PyExc_TypeError, "headers must be a list, not %.100s", Py_TYPE(headers)->tp_name);
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(headers); i++) {
        PyObject *pair = Py_NewRef(PyList_GET_ITEM(headers, i)); /* Its repr may change the list. */
        int added = add_field(exchange, pair);
        Py_DECREF(pair);
        if (added < 0) {
            return -1;
        }
    }
    return read_status(exchange, status);
}

/* --- Its bytes. --- */

static void choose_ending(Exchange *exchange, size_t size, bool last) {
    if (exchange->head->verb == VERB_HEAD || exchange->code == 204 || exchange->code == 304) {
        exchange->ending = HAS_NO_BODY;
        return;
    }
    if (exchange->length < 0 && last) {
        exchange->length = (int64_t)size;
    }
    exchange->ending = exchange->length >= 0       ? ENDS_BY_LENGTH
                       : exchange->head->minor > 0 ? ENDS_BY_CHUNK
                                                   : ENDS_BY_CLOSE;
}

static int add_head(Exchange *exchange, size_t size, bool last) {
    choose_ending(exchange, size, last);
    bool draining = atomic_load(&exchange->connection->loop->draining);
    exchange->keep_alive = exchange->head->keep_alive && !exchange->close && !draining &&
                           exchange->ending != ENDS_BY_CLOSE;
    Buffer *out = &exchange->worker->out;
    Buffer *fields = &exchange->fields;
    size_t status = (size_t)PyUnicode_GET_LENGTH(exchange->status);
    int failed = ADD(out, "HTTP/1.1 ");
    failed |= buffer_add(out, PyUnicode_1BYTE_DATA(exchange->status), status);
    failed |= status == 3 ? ADD(out, " \r\n") : ADD(out, "\r\n");
    if (!exchange->has_server) {
        failed |= ADD(out, SERVER_FIELD);
    }
    if (!exchange->has_date) {
        failed |= ADD(out, "Date: ");
        failed |= buffer_add(out, date_now(), DATE_SIZE);
        failed |= ADD(out, "\r\n");
    }
    failed |= buffer_add(out, fields->data, fields->size);
    if (exchange->length >= 0 && exchange->code != 204) {
        char text[48];
        int count = snprintf(text, sizeof text, "Content-Length: %lld\r\n", (long long)exchange->length);
        failed |= buffer_add(out, text, (size_t)count);
    } else if (exchange->ending == ENDS_BY_CHUNK) {
        failed |= ADD(out, "Transfer-Encoding: chunked\r\n");
    }
    if (!exchange->keep_alive) {
        failed |= ADD(out, "Connection: close\r\n");
    } else if (exchange->head->minor == 0) {
        failed |= ADD(out, "Connection: keep-alive\r\n");
    }
    failed |= ADD(out, "\r\n");
    exchange->begun = true;
    if (failed) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

int exchange_head(Exchange *exchange, size_t size) {
    return exchange->begun ? 0 : add_head(exchange, size, true);
}

static int add_part(Exchange *exchange, const uint8_t *data, size_t size) {
    Buffer *out = &exchange->worker->out;
    char line[32];
    bool chunk = exchange->ending == ENDS_BY_CHUNK;
    int failed = 0;
    if (chunk) {
        failed |= buffer_add(out, line, (size_t)snprintf(line, sizeof line, "%zx\r\n", size));
    }
    failed |= buffer_add(out, data, size);
    if (chunk) {
        failed |= ADD(out, "\r\n");
    }
    if (failed) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

int exchange_add(Exchange *exchange, const uint8_t *data, size_t size, bool last) {
    if (!exchange->begun && add_head(exchange, size, last) < 0) {
        return -1;
    }
    if (exchange->ending == HAS_NO_BODY) {
        return 0;
    }
    if (exchange->ending == ENDS_BY_LENGTH) { /* More than was promised is dropped. */
        uint64_t left = (uint64_t)exchange->length - exchange->sent;
        size = size < left ? size : (size_t)left;
    }
    if (size > 0 && add_part(exchange, data, size) < 0) {
        return -1;
    }
    exchange->sent += size;
    exchange->whole = exchange->ending == ENDS_BY_LENGTH && exchange->sent == (uint64_t)exchange->length;
    return 0;
}

bool exchange_end(Exchange *exchange) {
    if (exchange->ending == ENDS_BY_CHUNK && !exchange->whole) {
        ADD(&exchange->worker->out, "0\r\n\r\n");
    }
    bool complete = exchange->ending != ENDS_BY_LENGTH || exchange->sent == (uint64_t)exchange->length;
    exchange->whole = true;
    return complete;
}
