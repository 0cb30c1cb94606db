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
    MEMBER(whole, INT64),       MEMBER(sent, INT64),
};

static const SourceKind kinds_of_call[] = {
    [CALL_MEMBER_TEXT] = SOURCE_TEXT,
    [CALL_MEMBER_LIST] = SOURCE_TEXTS,
    [CALL_MEMBER_NUMBER] = SOURCE_LONG,
    [CALL_MEMBER_SECONDS] = SOURCE_DOUBLE,
};

int source_of(Source *source, PyObject *path) {
    const char *text = PyUnicode_AsUTF8(path);
    if (text == NULL) {
        return -1;
    }
    if (strncmp(text, "call.", 5) == 0) {
        CallMember kind;
        if (call_member(text + 5, &source->offset, &kind) == 0) {
            source->kind = kinds_of_call[kind];
            source->of_call = true;
            return 0;
        }
    }
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (strcmp(members[i].name, text) == 0) {
            *source = (Source){members[i].offset, members[i].kind, false};
            return 0;
        }
    }
    PyErr_Format(PyExc_ValueError,
                 "the source %R of a row is neither a field of a Call nor a member of Finished "
                 "(source.c) that can be written",
                 path);
    return -1;
}
