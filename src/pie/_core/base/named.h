/* Structs that Python hands to C, read field by field and by name.
 *
 * A table of NamedFields describes a C struct whose fields have the names of a Python object's
 * attributes (usually a NamedTuple made for C). The same table reads the object, frees what was
 * read, and appears in `_native.contract()`, which tests/core/test_contract.py compares with the
 * Python definition: a name without a partner on the other side fails there.
 *
 *     static const NamedField limit_fields[] = {
 *         NAMED(Limits, max_threads, INT), NAMED(Limits, write_limit, SIZE), NAMED_END};
 *     static NamedStruct limits_struct = {"pie.loop.native_loop.LoopLimits", limit_fields};
 *
 * A room adds its tables with named_add when the module is made. All functions need the GIL.
 */
#ifndef PIE_NAMED_H
#define PIE_NAMED_H

#include "base/core.h"

typedef enum {
    /* PyObject *, a reference that is owned: */
    NAMED_OBJECT,   /* any object */
    NAMED_TEXT,     /* a str */
    NAMED_TUPLE,
    NAMED_LIST,
    NAMED_DICT,
    NAMED_CALLABLE,
    NAMED_CLASS,    /* PyTypeObject * */
    /* Values: */
    NAMED_FLAG,     /* bool, from a bool */
    NAMED_INT,      /* int */
    NAMED_SIZE,     /* Py_ssize_t, size_t or int64_t; not negative */
    NAMED_NUMBER,   /* double, from an int or float */
    NAMED_MILLIS,   /* int64_t: milliseconds, from seconds */
    /* PyObject *: the attribute's interned name, for getting or calling it later (named_intern). */
    NAMED_NAME,
} NamedKind;

typedef struct {
    const char *name; /* NULL ends a table */
    size_t offset, size;
    NamedKind kind;
    bool optional; /* None is read as NULL; only for references */
} NamedField;

#define NAMED_AS(type, member, attribute, named_kind)                                  \
    {attribute, offsetof(type, member), sizeof(((type *)0)->member), NAMED_##named_kind, false}
#define NAMED_AS_OR_NONE(type, member, attribute, named_kind)                          \
    {attribute, offsetof(type, member), sizeof(((type *)0)->member), NAMED_##named_kind, true}
#define NAMED(type, member, named_kind) NAMED_AS(type, member, #member, named_kind)
#define NAMED_OR_NONE(type, member, named_kind) NAMED_AS_OR_NONE(type, member, #member, named_kind)
#define NAMED_END {NULL}

typedef struct NamedStruct {
    const char *python; /* dotted name of the class, or of the module whose names are used */
    const NamedField *fields;
    struct NamedStruct *next; /* of named_add */
} NamedStruct;

/* Makes the table part of the contract. -1 with SystemError set if a field's size does not fit its
 * kind. */
int named_add(NamedStruct *named);

/* Reads all attributes of `from` into `*into`, whose references must be NULL. -1 with an
 * AttributeError or a TypeError set that names the field; `*into` then owns nothing. NAMED_NAME
 * fields are left alone. */
int named_read(const NamedStruct *named, PyObject *from, void *into);

/* Drops the references. */
void named_clear(const NamedStruct *named, void *of);

/* named_read into a struct that may have been read before: it keeps what it had on failure. */
int named_renew(const NamedStruct *named, PyObject *from, void *into, size_t size);

/* Visits the references, for tp_traverse. */
int named_visit(const NamedStruct *named, void *of, visitproc visit, void *arg);

/* Sets the NAMED_NAME fields of a struct that lives as long as the process. */
int named_intern(const NamedStruct *named, void *into);

/* Numbers that both sides know by the names of an IntEnum of Python. */
typedef struct {
    const char *name; /* NULL ends a table */
    int number;
} NamedNumber;

typedef struct NamedNumbers {
    const char *python; /* dotted name of the IntEnum */
    const NamedNumber *numbers;
    struct NamedNumbers *next; /* of named_add_numbers */
} NamedNumbers;

/* Makes the table part of the contract. */
void named_add_numbers(NamedNumbers *named);

/* `_native.contract()`: {dotted name: {field: kind or number}} of all tables that
 * were added. */
PyObject *named_contract(PyObject *module, PyObject *nothing);

#endif
