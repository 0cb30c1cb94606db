/* The storage of a Call. Twin: pie/model/fields.py. */
#ifndef PIE_CALL_H
#define PIE_CALL_H

#include "base/core.h"

typedef struct {
    PyObject_HEAD
    /* Text, never NULL. */
    PyObject *side, *protocol, *caller, *caller_cluster, *callee, *callee_cluster, *method, *verb,
        *route, *env, *peer, *logid, *span_id, *parent_id, *wire_span_id, *message, *version, *lane,
        *traffic, *gate, *pin;
    /* NULL = as in a new call: () for candidates and tried, None for the others. */
    PyObject *candidates, *tried, *target, *failure, *result;
    /* NULL = empty; a dict or list is made when Python asks for it. */
    PyObject *persist, *transit, *backward, *notes;
    double received, queued, started, start, attempt_start, end;
    double deadline, timeout; /* NAN = None */
    long attempts, max_attempts, attempt, hedges, code, status, request_bytes, response_bytes;
    bool detached;
} CallObject;

extern PyTypeObject CallFields_Type;

/* A field of a Call by its name: where it stands and what it is. -1 = there is none of these kinds. */
typedef enum {
    CALL_MEMBER_TEXT,    /* PyObject *, an exact str */
    CALL_MEMBER_LIST,    /* PyObject *, a list or NULL */
    CALL_MEMBER_NUMBER,  /* long */
    CALL_MEMBER_SECONDS, /* double */
} CallMember;

int call_member(const char *name, size_t *offset, CallMember *kind);

static inline bool call_is(PyObject *object) {
    return PyObject_TypeCheck(object, &CallFields_Type);
}

/* Whether this process is its callee. */
static inline bool call_is_served(const CallObject *call) {
    return PyUnicode_CompareWithASCIIString(call->side, "server") == 0;
}

/* A new call with everything blank but its side and protocol ("server"/"client", interned). It
 * is of the class pie.model.Call. */
CallObject *call_new(bool server, bool thrift);

/* Sets one of the text fields, taking over the reference. */
static inline void call_set(PyObject **field, PyObject *text) {
    PyObject *old = *field;
    *field = text;
    Py_XDECREF(old);
}

/* Makes `cls`, a subclass without fields of its own, the class of new calls: pie.model.Call. -1 with a
 * TypeError set if it is no such class. */
int call_use_class(PyTypeObject *cls);

int call_fields_init(PyObject *module);

#endif
