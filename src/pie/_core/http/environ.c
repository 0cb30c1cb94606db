/* The WSGI environ of a request: a copy of what is the same in all, and what the head says. */
#include "http/environ.h"

#include "base/buffer.h"
#include "http/environ_keys.h"
#include "http/names.h"
#include "http/octets.h"
#include "http/peer.h"

#define SMALL 256 /* octets of a path that are decoded on the stack */

static const EnvironKeys *const keys = &environ_keys;

int environ_init(void) {
    return environ_keys_init();
}

/* WSGI gives bytes as Latin-1. */
static PyObject *text_of(const uint8_t *data, Span span) {
    return PyUnicode_DecodeLatin1((const char *)span_at(data, span), span.size, NULL);
}

/* Takes over the value. False with an exception set, as for NULL. */
static bool put(PyObject *environ, PyObject *key, PyObject *value) {
    if (UNLIKELY(value == NULL)) {
        return false;
    }
    int done = PyDict_SetItem(environ, key, value);
    Py_DECREF(value);
    return done == 0;
}

/* --- What is the same in all. --- */

int environ_base_init(EnvironBase *base, PyObject *fixed) {
    /* Every environ sets these. A copy of a dict has the room of the original, so it need not grow. */
    PyObject *always[] = {keys->request_method,  keys->path_info,   keys->query_string,
                          keys->raw_uri,         keys->request_uri, keys->server_protocol,
                          keys->remote_addr,     keys->server_name, keys->server_port,
                          keys->http_host,       keys->input,       keys->received};
    PyObject *copy = PyDict_Copy(fixed);
    if (copy == NULL) {
        return -1;
    }
    bool named = PyDict_GetItemWithError(copy, keys->server_name) != NULL;
    for (size_t i = 0; i < sizeof always / sizeof *always; i++) {
        if (PyErr_Occurred() || PyDict_SetDefault(copy, always[i], keys->empty) == NULL) {
            Py_DECREF(copy);
            return -1;
        }
    }
    *base = (EnvironBase){copy, named};
    return 0;
}

void environ_base_clear(EnvironBase *base) {
    Py_CLEAR(base->fixed);
}

/* --- The request line. --- */

/* A path without its percent-encoding; what is no valid one stays as it is. */
static PyObject *decoded(const uint8_t *at, size_t size) {
    uint8_t small[SMALL] = {0};
    uint8_t *into = size <= SMALL ? small : PyMem_Malloc(size);
    if (into == NULL) {
        return PyErr_NoMemory();
    }
    size_t count = 0;
    for (size_t i = 0; i < size; i++) {
        if (at[i] == '%' && size - i > 2 && octet_is(at[i + 1], OCTET_HEX) &&
            octet_is(at[i + 2], OCTET_HEX)) {
            into[count++] = (uint8_t)(hex_value(at[i + 1]) << 4 | hex_value(at[i + 2]));
            i += 2;
        } else {
            into[count++] = at[i];
        }
    }
    PyObject *text = PyUnicode_DecodeLatin1((const char *)into, (Py_ssize_t)count, NULL);
    if (into != small) {
        PyMem_Free(into);
    }
    return text;
}

static PyObject *path_of(const uint8_t *data, const RequestHead *head, PyObject *target) {
    if (head->path.size == 0) {
        return Py_NewRef(keys->slash);
    }
    if (!head->path_is_plain) {
        return decoded(span_at(data, head->path), head->path.size);
    }
    return head->path.size == head->target.size ? Py_NewRef(target) : text_of(data, head->path);
}

static bool put_line(PyObject *environ, const uint8_t *data, const RequestHead *head) {
    PyObject *verb = keys->verbs[head->verb];
    PyObject *target = text_of(data, head->target);
    bool done =
        target != NULL &&
        put(environ, keys->request_method,
            verb == NULL ? text_of(data, head->method) : Py_NewRef(verb)) &&
        PyDict_SetItem(environ, keys->server_protocol, keys->versions[head->minor]) == 0 &&
        PyDict_SetItem(environ, keys->raw_uri, target) == 0 &&
        PyDict_SetItem(environ, keys->request_uri, target) == 0 &&
        put(environ, keys->path_info, path_of(data, head, target)) &&
        (head->query.size == 0 || put(environ, keys->query_string, text_of(data, head->query)));
    Py_XDECREF(target);
    return done;
}

/* --- The fields. --- */

/* Which fields of the head are in the environ already, as parts of a joined value. */
typedef struct {
    uint64_t bits[2];
} Joined;

static bool is_joined(const Joined *joined, size_t at) {
    return joined->bits[at / 64] >> at % 64 & 1;
}

static bool same_name(const uint8_t *data, const HeadField *one, const HeadField *other) {
    if (one->known != other->known || one->name.size != other->name.size) {
        return false;
    }
    if (one->known != FIELD_OTHER) {
        return true;
    }
    const uint8_t *a = span_at(data, one->name), *b = span_at(data, other->name);
    for (size_t i = 0; i < one->name.size; i++) {
        bool letter = (a[i] | 0x20) >= 'a' && (a[i] | 0x20) <= 'z';
        if (a[i] != b[i] && !(letter && (a[i] ^ b[i]) == 0x20)) {
            return false;
        }
    }
    return true;
}

/* The values of all fields of one name, in their order (RFC 9110, 5.3). */
static PyObject *joined_value(const uint8_t *data, const RequestHead *head, const HeadField *field,
                              Joined *joined) {
    const char *between = field->known == FIELD_COOKIE ? "; " : ", ";
    Buffer text = {0};
    for (size_t i = 0; i < head->count; i++) {
        const HeadField *each = &head->fields[i];
        if (!same_name(data, field, each)) {
            continue;
        }
        joined->bits[i / 64] |= (uint64_t)1 << i % 64;
        if (buffer_room(&text, each->value.size + 2) == NULL ||
            buffer_add(&text, span_at(data, each->value), each->value.size) < 0 ||
            buffer_add(&text, between, 2) < 0) {
            buffer_free(&text);
            return PyErr_NoMemory();
        }
    }
    text.size -= 2; /* The last one has nothing behind it. */
    PyObject *value = PyUnicode_DecodeLatin1((const char *)text.data, (Py_ssize_t)text.size, NULL);
    buffer_free(&text);
    return value;
}

/* Sets what is not there yet; a second field of a name makes one value of all of them. */
static bool put_field(PyObject *environ, const uint8_t *data, const RequestHead *head,
                      const HeadField *field, Joined *joined) {
    PyObject *key = environ_key(data, field);
    PyObject *value = key == NULL ? NULL : text_of(data, field->value);
    Py_ssize_t before = PyDict_GET_SIZE(environ);
    bool done = value != NULL && PyDict_SetDefault(environ, key, value) != NULL;
    if (done && UNLIKELY(PyDict_GET_SIZE(environ) == before)) {
        done = put(environ, key, joined_value(data, head, field, joined));
    }
    Py_XDECREF(value);
    Py_XDECREF(key);
    return done;
}

/* A name with "_" would get the key of one with "-", which a proxy may have checked or removed. */
static bool has_underscore(const uint8_t *data, const HeadField *field) {
    return field->known == FIELD_OTHER &&
           memchr(span_at(data, field->name), '_', field->name.size) != NULL;
}

static bool put_fields(PyObject *environ, const uint8_t *data, const RequestHead *head,
                       const EnvironOrigin *origin) {
    Joined joined = {{0}};
    for (size_t i = 0; i < head->count; i++) {
        const HeadField *field = &head->fields[i];
        bool decoded_body = field->known == FIELD_TRANSFER_ENCODING && origin->body_size >= 0;
        if (field->known == FIELD_HOST || decoded_body || is_joined(&joined, i) ||
            has_underscore(data, field)) {
            continue;
        }
        if (!put_field(environ, data, head, field, &joined)) {
            return false;
        }
    }
    /* A body whose chunks were read has a length (RFC 9112, 7.1.3). */
    return !head->chunked || origin->body_size < 0 ||
           put(environ, keys->content_length, PyUnicode_FromFormat("%lld", (long long)origin->body_size));
}

/* --- Who asks, and whom. --- */

static bool put_server(PyObject *environ, const uint8_t *data, Span host, bool https) {
    const uint8_t *at = span_at(data, host);
    const uint8_t *colon = host.size ? memrchr(at, ':', host.size) : NULL;
    if (colon != NULL && memchr(colon, ']', host.size - (size_t)(colon - at)) != NULL) {
        colon = NULL; /* It is of an IPv6 address. */
    }
    Span name = {host.at, colon == NULL ? host.size : (uint32_t)(colon - at)};
    Span port = {host.at + name.size + 1, colon == NULL ? 0 : host.size - name.size - 1};
    return put(environ, keys->server_name,
               name.size ? text_of(data, name) : Py_NewRef(keys->localhost)) &&
           put(environ, keys->server_port,
               port.size ? text_of(data, port)
                         : Py_NewRef(https ? keys->port_443 : keys->port_80));
}

static bool put_peer(PyObject *environ, const char *peer) {
    Peer parts = peer_of(peer);
    if (parts.address == NULL) {
        return true; /* REMOTE_ADDR is empty, as in the base. */
    }
    return put(environ, keys->remote_addr,
               PyUnicode_DecodeLatin1(parts.address, (Py_ssize_t)parts.size, NULL)) &&
           put(environ, keys->remote_port, PyUnicode_FromString(parts.port));
}

static bool put_host(PyObject *environ, const uint8_t *data, Span host) {
    return host.size == 0 ? PyDict_DelItem(environ, keys->http_host) == 0
                          : put(environ, keys->http_host, text_of(data, host));
}

/* Of a request that came straight from its client. */
static bool put_origin(PyObject *environ, const EnvironBase *base, const uint8_t *data,
                       const RequestHead *head, const EnvironOrigin *origin) {
    return put_peer(environ, origin->peer) && put_host(environ, data, head->host) &&
           (base->server_named || put_server(environ, data, head->host, false));
}

/* The client takes the place of the proxy, which is asked for where the peer's word counts:
 * pie.web.headers. */
static bool put_client(PyObject *environ, const uint8_t *data, const EnvironOrigin *origin) {
    Span client = origin->forwarded->address;
    if (client.size == 0) {
        return put_peer(environ, origin->peer);
    }
    Peer proxy = peer_of(origin->peer);
    return put(environ, keys->remote_addr, text_of(data, client)) &&
           put(environ, keys->proxy,
               PyUnicode_DecodeLatin1(proxy.address == NULL ? "" : proxy.address,
                                      (Py_ssize_t)proxy.size, NULL));
}

/* Of a request that a trusted proxy passed on. */
static bool put_forwarded(PyObject *environ, const EnvironBase *base, const uint8_t *data,
                          const RequestHead *head, const EnvironOrigin *origin) {
    const Forwarded *forwarded = origin->forwarded;
    Span host = forwarded->host.size ? forwarded->host : head->host;
    bool own_name = base->server_named && forwarded->host.size == 0;
    return put_client(environ, data, origin) &&
           put_host(environ, data, host) &&
           (own_name || put_server(environ, data, host, forwarded->https)) &&
           (forwarded->prefix.size == 0 ||
            put(environ, keys->script_name,
                decoded(span_at(data, forwarded->prefix), forwarded->prefix.size))) &&
           (!(forwarded->https || forwarded->http) ||
            PyDict_SetItem(environ, keys->url_scheme,
                           forwarded->https ? keys->https : keys->http) == 0);
}

PyObject *environ_new(const EnvironBase *base, const uint8_t *data, const RequestHead *head,
                      const EnvironOrigin *origin) {
    PyObject *environ = PyDict_Copy(base->fixed);
    if (environ == NULL) {
        return NULL;
    }
    bool (*const put_who)(PyObject *, const EnvironBase *, const uint8_t *, const RequestHead *,
                          const EnvironOrigin *) =
        origin->forwarded == NULL ? put_origin : put_forwarded;
    if (put_line(environ, data, head) && put_who(environ, base, data, head, origin) &&
        PyDict_SetItem(environ, keys->input, origin->input) == 0 &&
        put(environ, keys->received, PyFloat_FromDouble(origin->received)) &&
        put_fields(environ, data, head, origin)) {
        return environ;
    }
    Py_DECREF(environ);
    return NULL;
}
