/* The storage of a Call. Twin: pie/model/fields.py. */
#ifndef PIE_CALL_H
#define PIE_CALL_H

#include "base/core.h"
#include "call/fields.h"

#define REFERENCE_MEMBER(name, kind) PyObject *name;
#define TIME_MEMBER(name, kind) double name;
#define NUMBER_MEMBER(name, kind) long name;
#define FLAG_MEMBER(name, kind) bool name;

typedef struct {
    PyObject_HEAD
    CALL_TEXTS(REFERENCE_MEMBER)
    CALL_REFERENCES(REFERENCE_MEMBER)
    CALL_TIMES(TIME_MEMBER)
    CALL_NUMBERS(NUMBER_MEMBER)
    CALL_FLAGS(FLAG_MEMBER)
} CallObject;

extern PyTypeObject CallFields_Type;

/* A field of a Call by its name: where it stands and what it is. -1 = there is none of these kinds. */
typedef enum {
    CALL_MEMBER_TEXT,    /* PyObject *, an exact str */
    CALL_MEMBER_LIST,    /* PyObject *, a list or NULL */
    CALL_MEMBER_DICT,    /* PyObject *, a dict or NULL */
    CALL_MEMBER_NUMBER,  /* long */
    CALL_MEMBER_SECONDS, /* double */
} CallMember;

int call_member(const char *name, size_t *offset, CallMember *kind);

static inline bool call_is(PyObject *object) {
    return PyObject_TypeCheck(object, &CallFields_Type);
}

/* Whether this process is its callee. */
static inline bool call_is_served(const CallObject *call) {
    static const char server[] = "server";
    PyObject *side = call->side;
    return PyUnicode_IS_COMPACT_ASCII(side) && PyUnicode_GET_LENGTH(side) == sizeof server - 1 &&
           memcmp(PyUnicode_DATA(side), server, sizeof server - 1) == 0;
}

/* When the attempt on its way has to end (monotonic seconds); NAN = whenever it does. Twin:
 * pie.govern.deadline.remaining. */
static inline double call_attempt_ends(const CallObject *call) {
    double ends = call->attempt_start + call->attempt_timeout;
    return ends >= call->deadline || isnan(ends) ? call->deadline : ends;
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
