/* Where the values of rows come from. Twin: pie/observe/record/finished.py (reader_of). */
#include "record/source.h"

typedef struct {
    const char *name;
    size_t offset;
    SourceKind kind;
} Member;

#define MEMBER(name, kind) {#name, offsetof(Finished, name), SOURCE_##kind}

/* Named as the attributes of pie.observe.record.finished.Finished. */
static const Member members[] = {
    MEMBER(ts, TIME),           MEMBER(duration_us, INT64), MEMBER(queued_us, INT64),
    MEMBER(outcome, TEXT),      MEMBER(raised_by, TEXT),    MEMBER(rule, TEXT),
    MEMBER(env, TEXT),          MEMBER(version, TEXT),      MEMBER(weight, DOUBLE),
    MEMBER(one, INT64),         MEMBER(retries, INT64),     MEMBER(failures, INT64),
    MEMBER(whole, INT64),       MEMBER(sent, INT64),        MEMBER(ended, DOUBLE),
};

static const SourceKind kinds_of_call[] = {
    [CALL_MEMBER_TEXT] = SOURCE_TEXT,
    [CALL_MEMBER_LIST] = SOURCE_TEXTS,
    [CALL_MEMBER_DICT] = SOURCE_TEXT,
    [CALL_MEMBER_NUMBER] = SOURCE_LONG,
    [CALL_MEMBER_SECONDS] = SOURCE_DOUBLE,
};

static PyObject *no_text;

PyObject *source_metadata(PyObject *metadata, PyObject *key) {
    PyObject *name, *value;
    Py_ssize_t at = 0;
    /* A look-up could run Python: whoever serves the call may have put any key in. */
    while (metadata != NULL && PyDict_Next(metadata, &at, &name, &value)) {
        if (PyUnicode_Check(name) && PyUnicode_Compare(name, key) == 0) {
            return PyUnicode_CheckExact(value) ? value : no_text;
        }
    }
    return no_text;
}

/* 1 = found, 0 = a Call has no such field that can be written, -1 with an exception set. */
static int find_in_call(Source *source, const char *path) {
    char name[32];
    const char *dot = strchr(path, '.');
    size_t size = dot == NULL ? strlen(path) : (size_t)(dot - path);
    if (size >= sizeof name || (dot != NULL && dot[1] == 0)) {
        return 0;
    }
    memcpy(name, path, size);
    name[size] = 0;
    CallMember kind;
    if (call_member(name, &source->offset, &kind) < 0 ||
        (kind == CALL_MEMBER_DICT) != (dot != NULL)) {
        return 0;
    }
    source->kind = kinds_of_call[kind];
    source->of_call = true;
    source->key = dot == NULL ? NULL : PyUnicode_FromString(dot + 1);
    return dot != NULL && source->key == NULL ? -1 : 1;
}

int source_of(Source *source, PyObject *path) {
    const char *text = PyUnicode_AsUTF8(path);
    if (text == NULL) {
        return -1;
    }
    *source = (Source){0};
    if (strncmp(text, "call.", 5) == 0) {
        int found = find_in_call(source, text + 5);
        if (found != 0) {
            return found < 0 ? -1 : 0;
        }
    }
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (strcmp(members[i].name, text) == 0) {
            *source = (Source){.offset = members[i].offset, .kind = members[i].kind};
            return 0;
        }
    }
    PyErr_Format(PyExc_ValueError,
                 "the source %R of a row is neither a field of a Call, nor a key of its metadata "
                 "(call.persist.KEY), nor a member of Finished that can be written",
                 path);
    return -1;
}

void source_clear(Source *source) {
    Py_CLEAR(source->key);
}

int source_init(void) {
    no_text = PyUnicode_InternFromString("");
    return no_text == NULL ? -1 : 0;
}
