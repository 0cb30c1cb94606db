/* What the headers of a request carry beside its arguments. */
#include "server/metadata.h"

#include "base/named.h"
#include "frame/ttheader.h"

#define LOGID_SIZE 32
#define SPAN_SIZE 16
#define TRACEPARENT_SIZE 55 /* 00-<32>-<16>-01 */
#define NAME_LIMIT 200
#define MAX_TIMEOUT_MS 3600000.0
#define CACHE_SIZE 256 /* names of callers and their clusters: few, and seen in every request */
#define CACHED_SIZE 64

/* A pie.rpc.server.native_server.MetadataHooks. */
typedef struct {
    PyObject *name_from_peer; /* (text) → name */
    PyObject *identity;       /* (traceparent, logid) → Chain */
} MetadataHooks;

static const NamedField hook_fields[] = {
    NAMED(MetadataHooks, name_from_peer, CALLABLE),
    NAMED(MetadataHooks, identity, CALLABLE),
    NAMED_END,
};
static NamedStruct hooks_struct = {"pie.rpc.server.native_server.MetadataHooks", hook_fields};
static MetadataHooks hooks;

typedef struct {
    PyObject *name;
    uint8_t size;
    char text[CACHED_SIZE];
} CachedName;

static CachedName cache[CACHE_SIZE];

/* --- Names --- */

/* What a peer sent; U+FFFD stands for what is no UTF-8. */
static PyObject *text_of(const char *bytes, size_t size) {
    return PyUnicode_DecodeUTF8(bytes, (Py_ssize_t)size, "replace");
}

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
    PyObject *raw = text_of(text, size);
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

/* Lower-case hexadecimal digits that are not all zero. Without a branch, so that many are compared at
 * once. */
static bool is_id(const char *text, size_t size) {
    unsigned odd = 0, some = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned each = (uint8_t)text[i];
        odd |= (each - '0' > 9) & (each - 'a' > 5);
        some |= each ^ '0';
    }
    return odd == 0 && some != 0;
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

/* Chain(logid, parent_id, note) of what is unusual, by the twin. */
static int join_chain(CallObject *call, PyObject *span, PyObject *logid) {
    PyObject *chain = span == NULL || logid == NULL
                          ? NULL
                          : PyObject_CallFunctionObjArgs(hooks.identity, span, logid, NULL);
    PyObject *name, *parent, *note;
    if (chain == NULL || !PyArg_ParseTuple(chain, "UUU", &name, &parent, &note)) {
        Py_XDECREF(chain);
        return -1;
    }
    call_set(&call->logid, Py_NewRef(name));
    call_set(&call->parent_id, Py_NewRef(parent));
    int done = 0;
    if (PyUnicode_GET_LENGTH(note) > 0) {
        if (call->notes == NULL) {
            call->notes = PyList_New(0);
        }
        done = call->notes == NULL ? -1 : PyList_Append(call->notes, note);
    }
    Py_DECREF(chain);
    return done;
}

int set_identity(CallObject *call, const char *span, size_t span_size, const char *logid,
                 size_t logid_size) {
    enum { LOGID_AT = 3, SPAN_AT = LOGID_AT + LOGID_SIZE + 1, FLAGS_AT = SPAN_AT + SPAN_SIZE + 1 };
    bool whole = span_size == TRACEPARENT_SIZE;
    bool equal = whole && logid_size == LOGID_SIZE && memcmp(logid, span + LOGID_AT, LOGID_SIZE) == 0;
    bool usual_logid = equal || (logid_size == LOGID_SIZE && is_id(logid, logid_size));
    if (whole && (usual_logid || logid_size == 0) && span[LOGID_AT - 1] == '-' &&
        span[SPAN_AT - 1] == '-' && span[FLAGS_AT - 1] == '-' &&
        is_id(span + LOGID_AT, LOGID_SIZE) && is_id(span + SPAN_AT, SPAN_SIZE)) {
        return set_text(&call->logid, span + LOGID_AT, LOGID_SIZE) < 0
                   ? -1
                   : set_text(&call->parent_id, span + SPAN_AT, SPAN_SIZE);
    }
    if (span_size == 0 && usual_logid) {
        return set_text(&call->logid, logid, logid_size);
    }
    if (span_size == 0 && logid_size == 0) {
        return 0;
    }
    PyObject *span_text = text_of(span, span_size), *logid_text = text_of(logid, logid_size);
    int done = join_chain(call, span_text, logid_text);
    Py_XDECREF(span_text);
    Py_XDECREF(logid_text);
    return done;
}

/* --- TTHeader --- */

static bool is_prefix(const HeaderEntry *entry, const char *prefix, size_t size) {
    return entry->key_size > size && memcmp(entry->key, prefix, size) == 0;
}

static int put(PyObject **dict, const HeaderEntry *entry, size_t prefix) {
    if (*dict == NULL && (*dict = PyDict_New()) == NULL) {
        return -1;
    }
    PyObject *key = text_of(entry->key + prefix, entry->key_size - prefix);
    PyObject *value = key == NULL ? NULL : text_of(entry->value, entry->value_size);
    int set = value == NULL ? -1 : PyDict_SetItem(*dict, key, value);
    Py_XDECREF(key);
    Py_XDECREF(value);
    return set;
}

static int read_text_entry(CallObject *call, const HeaderEntry *entry, Addressee *to) {
    static const char persist[] = "RPC_PERSIST_", transit[] = "RPC_TRANSIT_";
    static const char addressee[] = "pie-to";
    if (is_prefix(entry, persist, sizeof persist - 1)) {
        return put(&call->persist, entry, sizeof persist - 1);
    }
    if (is_prefix(entry, transit, sizeof transit - 1)) {
        return put(&call->transit, entry, sizeof transit - 1);
    }
    if (entry->key_size == sizeof addressee - 1 &&
        memcmp(entry->key, addressee, sizeof addressee - 1) == 0) {
        *to = (Addressee){entry->value, entry->value_size};
    }
    return 0;
}

/* Milliseconds; what is no positive number means that there is no deadline. */
static void read_timeout(CallObject *call, const HeaderEntry *entry) {
    double number = 0;
    for (size_t i = 0; i < entry->value_size; i++) {
        if (entry->value[i] < '0' || entry->value[i] > '9') {
            return;
        }
        number = number * 10 + (entry->value[i] - '0');
    }
    if (number > 0) {
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

/* Twin: take_stress_tag of pie/model/persisted.py. */
static int take_stress_tag(CallObject *call, const HeaderEntry *entry) {
    static const char traffic[] = "PIE_TRAFFIC", tag[] = "PIE_STRESS_TAG";
    if (call->persist != NULL && PyDict_GetItemString(call->persist, traffic) != NULL) {
        return 0;
    }
    if (call->persist == NULL && (call->persist = PyDict_New()) == NULL) {
        return -1;
    }
    PyObject *name = name_from_peer(entry->value, entry->value_size);
    PyObject *class = name == NULL ? NULL : PyUnicode_FromString("stress");
    int done = class == NULL ? -1 : PyDict_SetItemString(call->persist, traffic, class);
    done = done < 0 ? -1 : PyDict_SetItemString(call->persist, tag, name);
    Py_XDECREF(class);
    Py_XDECREF(name);
    return done;
}

/* The integer keys: of equal ones the last counts. */
static int read_ints(CallObject *call, const HeaderEntry ints[KEYS_END]) {
    static const struct {
        int key;
        size_t field;
    } names[] = {
        {KEY_FROM_SERVICE, offsetof(CallObject, caller)},
        {KEY_FROM_CLUSTER, offsetof(CallObject, caller_cluster)},
        {KEY_ENV, offsetof(CallObject, env)},
    };
    const HeaderEntry *span = &ints[KEY_SPAN_CONTEXT], *logid = &ints[KEY_LOGID];
    if (set_identity(call, span->value, span->value_size, logid->value, logid->value_size) < 0) {
        return -1;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const HeaderEntry *entry = &ints[names[i].key];
        if (entry->value != NULL &&
            read_name((PyObject **)((char *)call + names[i].field), entry) < 0) {
            return -1;
        }
    }
    if (ints[KEY_RPC_TIMEOUT].value != NULL) {
        read_timeout(call, &ints[KEY_RPC_TIMEOUT]);
    }
    const HeaderEntry *stress = &ints[KEY_STRESS_TAG];
    return UNLIKELY(stress->value_size > 0) ? take_stress_tag(call, stress) : 0;
}

int metadata_read(CallObject *call, const uint8_t *frame, const FrameView *view, Addressee *to) {
    HeaderReader reader = {.at = frame + view->blocks, .end = frame + view->blocks_end};
    HeaderEntry entry, ints[KEYS_END] = {{0}};
    int found;
    while ((found = header_next(&reader, &entry)) > 0) {
        if (entry.key == NULL && entry.number < KEYS_END) {
            ints[entry.number] = entry;
        } else if (entry.key != NULL && read_text_entry(call, &entry, to) < 0) {
            return -1;
        }
    }
    if (found < 0) {
        return 1;
    }
    return read_ints(call, ints);
}

PyObject *metadata_setup(PyObject *module, PyObject *from) {
    return named_renew(&hooks_struct, from, &hooks, sizeof hooks) < 0 ? NULL : Py_NewRef(Py_None);
}

int metadata_init(void) {
    return named_add(&hooks_struct);
}
