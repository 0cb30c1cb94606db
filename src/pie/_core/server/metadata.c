/* What the headers of a request carry beside its arguments. */
#include "server/metadata.h"

#include "base/named.h"
#include "frame/ttheader.h"

#define LOGID_SIZE 32
#define SPAN_SIZE 16
#define TRACEPARENT_SIZE 55 /* 00-<32>-<16>-01 */
#define NAME_LIMIT 200
#define MAX_TIMEOUT_MS 3600000.0
#define TIMEOUT_DIGITS 9
#define CACHE_SIZE 256 /* names of callers and their clusters: few, and seen in every request */
#define CACHED_SIZE 64

/* A pie.rpc.server.native_loop.MetadataHooks. */
typedef struct {
    PyObject *name_from_peer;  /* (text) → name */
    PyObject *parse_span;      /* (text) → (logid, parent) */
    PyObject *normalise_logid; /* (text) → logid or None */
} MetadataHooks;

static const NamedField hook_fields[] = {
    NAMED(MetadataHooks, name_from_peer, CALLABLE),
    NAMED(MetadataHooks, parse_span, CALLABLE),
    NAMED(MetadataHooks, normalise_logid, CALLABLE),
    NAMED_END,
};
static NamedStruct hooks_struct = {"pie.rpc.server.native_loop.MetadataHooks", hook_fields};
static MetadataHooks hooks;

typedef struct {
    PyObject *name;
    uint8_t size;
    char text[CACHED_SIZE];
} CachedName;

static CachedName cache[CACHE_SIZE];

/* --- Names --- */

static bool printable(const char *text, size_t size) {
    if (size > NAME_LIMIT) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (text[i] < 0x20 || text[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

static PyObject *make_name(const char *text, size_t size) {
    if (printable(text, size)) {
        return PyUnicode_FromStringAndSize(text, (Py_ssize_t)size);
    }
    PyObject *raw = PyUnicode_DecodeUTF8(text, (Py_ssize_t)size, "replace");
    if (raw == NULL) {
        return NULL;
    }
    PyObject *name = PyObject_CallOneArg(hooks.name_from_peer, raw);
    Py_DECREF(raw);
    return name;
}

PyObject *name_from_peer(const char *text, size_t size) {
    if (size > CACHED_SIZE) {
        return make_name(text, size);
    }
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ (uint8_t)text[i]) * 16777619u;
    }
    CachedName *found = &cache[hash % CACHE_SIZE];
    if (found->name == NULL || found->size != size || memcmp(found->text, text, size) != 0) {
        PyObject *name = make_name(text, size);
        if (name == NULL) {
            return NULL;
        }
        found->size = (uint8_t)size;
        memcpy(found->text, text, size);
        call_set(&found->name, name);
    }
    return Py_NewRef(found->name);
}

int set_name(PyObject **field, PyObject *text) {
    Py_ssize_t size;
    const char *utf8 = PyUnicode_AsUTF8AndSize(text, &size);
    PyObject *name;
    if (utf8 == NULL) {
        PyErr_Clear(); /* Lone surrogates. */
        name = PyObject_CallOneArg(hooks.name_from_peer, text);
    } else {
        name = name_from_peer(utf8, (size_t)size);
    }
    if (name == NULL) {
        return -1;
    }
    call_set(field, name);
    return 0;
}

/* --- Identity --- */

/* Lower-case hexadecimal digits that are not all zero. */
static bool is_id(const char *text, size_t size) {
    bool zero = true;
    for (size_t i = 0; i < size; i++) {
        char each = text[i];
        if (!((each >= '0' && each <= '9') || (each >= 'a' && each <= 'f'))) {
            return false;
        }
        zero = zero && each == '0';
    }
    return !zero;
}

static int set_text(PyObject **field, const char *text, size_t size) {
    PyObject *made = PyUnicode_New((Py_ssize_t)size, 127);
    if (made == NULL) {
        return -1;
    }
    memcpy(PyUnicode_1BYTE_DATA(made), text, size);
    call_set(field, made);
    return 0;
}

static int set_returned(PyObject **field, PyObject *text) {
    if (text != NULL && text != Py_None && PyUnicode_GET_LENGTH(text) > 0) {
        call_set(field, Py_NewRef(text));
    }
    return text == NULL ? -1 : 0;
}

int set_logid(CallObject *call, const char *text, size_t size) {
    if (size == 0) {
        return 0;
    }
    if (size == LOGID_SIZE && is_id(text, size)) {
        return set_text(&call->logid, text, size);
    }
    PyObject *logid = PyObject_CallFunction(hooks.normalise_logid, "s#", text, (Py_ssize_t)size);
    int set = set_returned(&call->logid, logid);
    Py_XDECREF(logid);
    return set;
}

int set_span(CallObject *call, const char *text, size_t size) {
    enum { LOGID_AT = 3, SPAN_AT = LOGID_AT + LOGID_SIZE + 1, FLAGS_AT = SPAN_AT + SPAN_SIZE + 1 };
    if (size == 0) {
        return 0;
    }
    if (size == TRACEPARENT_SIZE && text[LOGID_AT - 1] == '-' && text[SPAN_AT - 1] == '-' &&
        text[FLAGS_AT - 1] == '-' && is_id(text + LOGID_AT, LOGID_SIZE) &&
        is_id(text + SPAN_AT, SPAN_SIZE)) {
        return set_text(&call->logid, text + LOGID_AT, LOGID_SIZE) < 0
                   ? -1
                   : set_text(&call->parent_id, text + SPAN_AT, SPAN_SIZE);
    }
    PyObject *pair = PyObject_CallFunction(hooks.parse_span, "s#", text, (Py_ssize_t)size);
    if (pair == NULL) {
        return -1;
    }
    set_returned(&call->logid, PyTuple_GET_ITEM(pair, 0));
    set_returned(&call->parent_id, PyTuple_GET_ITEM(pair, 1));
    Py_DECREF(pair);
    return 0;
}

/* --- TTHeader --- */

static bool is_prefix(const HeaderEntry *entry, const char *prefix, size_t size) {
    return entry->key_size > size && memcmp(entry->key, prefix, size) == 0;
}

static int put(PyObject **dict, const HeaderEntry *entry, size_t prefix) {
    if (*dict == NULL && (*dict = PyDict_New()) == NULL) {
        return -1;
    }
    PyObject *key = PyUnicode_FromStringAndSize(entry->key + prefix,
                                                (Py_ssize_t)(entry->key_size - prefix));
    PyObject *value = key == NULL ? NULL
                                  : PyUnicode_FromStringAndSize(entry->value,
                                                                (Py_ssize_t)entry->value_size);
    int set = value == NULL ? -1 : PyDict_SetItem(*dict, key, value);
    Py_XDECREF(key);
    Py_XDECREF(value);
    return set;
}

static int read_text_entry(CallObject *call, const HeaderEntry *entry) {
    static const char persist[] = "RPC_PERSIST_", transit[] = "RPC_TRANSIT_";
    if (is_prefix(entry, persist, sizeof persist - 1)) {
        return put(&call->persist, entry, sizeof persist - 1);
    }
    if (is_prefix(entry, transit, sizeof transit - 1)) {
        return put(&call->transit, entry, sizeof transit - 1);
    }
    return 0;
}

static void read_timeout(CallObject *call, const HeaderEntry *entry) {
    double number = 0;
    for (size_t i = 0; i < entry->value_size; i++) {
        if (entry->value[i] < '0' || entry->value[i] > '9') {
            return;
        }
        number = number * 10 + (entry->value[i] - '0');
    }
    if (entry->value_size > 0 && entry->value_size <= TIMEOUT_DIGITS) {
        call->timeout = (number > MAX_TIMEOUT_MS ? MAX_TIMEOUT_MS : number) / 1000;
    }
}

static int read_name(PyObject **field, const HeaderEntry *entry) {
    PyObject *name = name_from_peer(entry->value, entry->value_size);
    if (name == NULL) {
        return -1;
    }
    call_set(field, name);
    return 0;
}

static int read_int_entry(CallObject *call, const HeaderEntry *entry, bool *spanned) {
    Py_ssize_t before;
    switch (entry->number) {
    case KEY_SPAN_CONTEXT:
        before = PyUnicode_GET_LENGTH(call->parent_id);
        if (set_span(call, entry->value, entry->value_size) < 0) {
            return -1;
        }
        *spanned = PyUnicode_GET_LENGTH(call->parent_id) > before;
        return 0;
    case KEY_LOGID: /* The span carries the same, and wins. */
        return *spanned ? 0 : set_logid(call, entry->value, entry->value_size);
    case KEY_FROM_SERVICE:
        return read_name(&call->caller, entry);
    case KEY_FROM_CLUSTER:
        return read_name(&call->caller_cluster, entry);
    case KEY_ENV:
        return read_name(&call->env, entry);
    case KEY_RPC_TIMEOUT:
        read_timeout(call, entry);
        return 0;
    default:
        return 0;
    }
}

int metadata_read(CallObject *call, const uint8_t *frame, const FrameView *view) {
    HeaderReader reader = {.at = frame + view->blocks, .end = frame + view->blocks_end};
    HeaderEntry entry;
    bool spanned = false;
    int found;
    while ((found = header_next(&reader, &entry)) > 0) {
        int read = entry.key == NULL ? read_int_entry(call, &entry, &spanned)
                                     : read_text_entry(call, &entry);
        if (read < 0) {
            if (!PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) {
                return -1;
            }
            PyErr_Clear();
            return 1;
        }
    }
    return found < 0 ? 1 : 0;
}

PyObject *metadata_setup(PyObject *module, PyObject *from) {
    return named_renew(&hooks_struct, from, &hooks, sizeof hooks) < 0 ? NULL : Py_NewRef(Py_None);
}

int metadata_init(void) {
    return named_add(&hooks_struct);
}
