/* CallFields, the storage of a Call. Twin: pie/model/fields.py.
 *
 * pie.model.Call is a subclass of it without fields of its own. Calls of exactly that class are
 * kept for the next one when they die.
 */
#include "call/call.h"

typedef enum { TEXT, OBJECT, TUPLE, DICT, LIST, SECONDS, LIMIT, NUMBER, FLAG } FieldKind;

typedef struct {
    const char *name;
    size_t offset;
    FieldKind kind;
} Field;

#define FIELD(name, kind) {#name, offsetof(CallObject, name), kind},
#define ONE(name, kind) +1

static const Field fields[] = {CALL_FIELDS(FIELD)};
#define FIELDS (sizeof fields / sizeof *fields)
#define TEXTS (0 CALL_TEXTS(ONE))
#define REFERENCES (TEXTS CALL_REFERENCES(ONE))

_Static_assert(offsetof(CallObject, candidates) - offsetof(CallObject, side) ==
                   TEXTS * sizeof(PyObject *), "the texts stand together");
_Static_assert(offsetof(CallObject, received) - offsetof(CallObject, side) ==
                   REFERENCES * sizeof(PyObject *), "the references stand together");

static PyGetSetDef accessors[FIELDS + 1];
static PyObject *names[FIELDS]; /* interned */
static PyObject *empty_text, *server_text, *client_text, *thrift_text, *http_text, *nothing;
static PyTypeObject *call_class; /* pie.model.Call */

#define SPARE_LIMIT 256
static CallObject *spare[SPARE_LIMIT];
static int spares;

static inline PyObject **references(CallObject *call) {
    return &call->side;
}

static inline void *location(PyObject *self, const Field *field) {
    return (char *)self + field->offset;
}

int call_member(const char *name, size_t *offset, CallMember *kind) {
    static const int kinds[] = {[TEXT] = CALL_MEMBER_TEXT + 1,
                                [LIST] = CALL_MEMBER_LIST + 1,
                                [DICT] = CALL_MEMBER_DICT + 1,
                                [NUMBER] = CALL_MEMBER_NUMBER + 1,
                                [SECONDS] = CALL_MEMBER_SECONDS + 1,
                                [FLAG] = 0};
    for (size_t i = 0; i < FIELDS; i++) {
        if (strcmp(fields[i].name, name) == 0 && kinds[fields[i].kind] != 0) {
            *offset = fields[i].offset;
            *kind = (CallMember)(kinds[fields[i].kind] - 1);
            return 0;
        }
    }
    return -1;
}

/* --- reading --- */

static PyObject *made_when_asked(PyObject **reference, PyObject *(*make)(void)) {
    if (*reference == NULL) {
        *reference = make();
    }
    return Py_XNewRef(*reference);
}

static PyObject *new_list(void) {
    return PyList_New(0);
}

static PyObject *get(PyObject *self, void *closure) {
    const Field *field = closure;
    void *at = location(self, field);
    PyObject **reference = at;
    switch (field->kind) {
    case TEXT:
        return Py_NewRef(*reference);
    case OBJECT:
        return Py_NewRef(*reference == NULL ? Py_None : *reference);
    case TUPLE:
        return Py_NewRef(*reference == NULL ? nothing : *reference);
    case DICT:
        return made_when_asked(reference, PyDict_New);
    case LIST:
        return made_when_asked(reference, new_list);
    case LIMIT:
        if (isnan(*(double *)at)) {
            Py_RETURN_NONE;
        }
        /* fall through */
    case SECONDS:
        return PyFloat_FromDouble(*(double *)at);
    case NUMBER:
        return PyLong_FromLong(*(long *)at);
    case FLAG:
        return PyBool_FromLong(*(bool *)at);
    }
    Py_UNREACHABLE();
}

/* --- writing --- */

static int refuse(const Field *field, const char *wanted, PyObject *value) {
    PyErr_Format(PyExc_TypeError, "Call.%s must be %s, not %.100s", field->name, wanted,
                 Py_TYPE(value)->tp_name);
    return -1;
}

static int set_reference(PyObject **reference, PyObject *value) {
    PyObject *old = *reference;
    *reference = Py_XNewRef(value);
    Py_XDECREF(old); /* Last: it may run Python. */
    return 0;
}

static int set_text(const Field *field, PyObject **reference, PyObject *value) {
    if (LIKELY(PyUnicode_CheckExact(value))) {
        return set_reference(reference, value);
    }
    if (!PyUnicode_Check(value)) {
        return refuse(field, "a str", value);
    }
    PyObject *exact = PyUnicode_FromObject(value);
    if (exact == NULL) {
        return -1;
    }
    call_set(reference, exact);
    return 0;
}

static int set_seconds(const Field *field, double *seconds, PyObject *value, const char *wanted) {
    double number = PyFloat_AsDouble(value);
    if (number == -1.0 && PyErr_Occurred()) {
        return PyErr_ExceptionMatches(PyExc_TypeError) ? refuse(field, wanted, value) : -1;
    }
    *seconds = number;
    return 0;
}

static int set_number(const Field *field, long *into, PyObject *value) {
    if (!PyIndex_Check(value)) {
        return refuse(field, "an int", value);
    }
    long number = PyLong_AsLong(value);
    if (number == -1 && PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_OverflowError)) {
            PyErr_Format(PyExc_OverflowError, "Call.%s does not fit into 64 bits", field->name);
        }
        return -1;
    }
    *into = number;
    return 0;
}

static int set(PyObject *self, PyObject *value, void *closure) {
    const Field *field = closure;
    void *at = location(self, field);
    if (value == NULL) {
        PyErr_Format(PyExc_AttributeError, "Call.%s cannot be deleted", field->name);
        return -1;
    }
    switch (field->kind) {
    case TEXT:
        return set_text(field, at, value);
    case OBJECT:
        return set_reference(at, value == Py_None ? NULL : value);
    case TUPLE:
        return set_reference(at, value);
    case DICT:
        return PyDict_Check(value) ? set_reference(at, value) : refuse(field, "a dict", value);
    case LIST:
        return PyList_Check(value) ? set_reference(at, value) : refuse(field, "a list", value);
    case LIMIT:
        if (value == Py_None) {
            *(double *)at = NAN;
            return 0;
        }
        return set_seconds(field, at, value, "a float or None");
    case SECONDS:
        return set_seconds(field, at, value, "a float");
    case NUMBER:
        return set_number(field, at, value);
    case FLAG: {
        int truth = PyObject_IsTrue(value);
        *(bool *)at = truth > 0;
        return truth < 0 ? -1 : 0;
    }
    }
    Py_UNREACHABLE();
}

/* --- life --- */

static CallObject *new_blank(PyTypeObject *type) {
    CallObject *call;
    if (type == call_class && spares > 0) {
        call = spare[--spares];
        PyObject_Init((PyObject *)call, type);
    } else {
        call = PyObject_GC_New(CallObject, type);
        if (call == NULL) {
            return NULL;
        }
    }
    memset(references(call) + TEXTS, 0, sizeof *call - offsetof(CallObject, candidates));
    for (int i = 0; i < TEXTS; i++) {
        references(call)[i] = Py_NewRef(empty_text);
    }
    call->deadline = call->timeout = call->usual_timeout = NAN;
    call->attempt_timeout = call->connect_timeout = NAN;
    call->attempts = 1;
    PyObject_GC_Track(call);
    return call;
}

CallObject *call_new(bool server, bool thrift) {
    CallObject *call = new_blank(call_class);
    if (call != NULL) {
        call_set(&call->side, Py_NewRef(server ? server_text : client_text));
        call_set(&call->protocol, Py_NewRef(thrift ? thrift_text : http_text));
    }
    return call;
}

static PyObject *fields_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    return (PyObject *)new_blank(type);
}

static int fields_traverse(CallObject *call, visitproc visit, void *arg) {
    for (int i = TEXTS; i < REFERENCES; i++) {
        Py_VISIT(references(call)[i]);
    }
    return 0;
}

static int fields_clear(CallObject *call) {
    for (int i = TEXTS; i < REFERENCES; i++) {
        Py_CLEAR(references(call)[i]);
    }
    return 0;
}

static void fields_dealloc(CallObject *call) {
    PyObject_GC_UnTrack(call);
    fields_clear(call);
    for (int i = 0; i < TEXTS; i++) {
        Py_CLEAR(references(call)[i]);
    }
    if (Py_TYPE(call) == call_class && spares < SPARE_LIMIT) {
        spare[spares++] = call; /* The caller gives back the reference to its class. */
    } else {
        PyObject_GC_Del(call);
    }
}

/* --- construction: Call(side, protocol, *, caller, callee, method, ...) --- */

static const Field *field_named(PyObject *name) {
    for (size_t i = 0; i < FIELDS; i++) {
        if (names[i] == name) {
            return &fields[i];
        }
    }
    for (size_t i = 0; i < FIELDS; i++) {
        if (PyUnicode_Compare(names[i], name) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

enum { SIDE, PROTOCOL, CALLER, CALLER_CLUSTER, CALLEE, CALLEE_CLUSTER, METHOD };
#define REQUIRED \
    (1ULL << SIDE | 1ULL << PROTOCOL | 1ULL << CALLER | 1ULL << CALLEE | 1ULL << METHOD)

static bool is_argument(const Field *field) {
    return field - fields <= METHOD || strcmp(field->name, "env") == 0 ||
           strcmp(field->name, "logid") == 0 || strcmp(field->name, "parent_id") == 0 ||
           strcmp(field->name, "peer") == 0 || strcmp(field->name, "timeout") == 0;
}

static bool field_is_argument[FIELDS];

static int fill_position(CallObject *call, Py_ssize_t position, PyObject *value, uint64_t *seen) {
    if (position > PROTOCOL) {
        PyErr_SetString(PyExc_TypeError, "Call() takes 2 arguments by position: side, protocol");
        return -1;
    }
    *seen |= 1ULL << position;
    return set((PyObject *)call, value, (void *)&fields[position]);
}

static int fill_keyword(CallObject *call, PyObject *name, PyObject *value, uint64_t *seen) {
    const Field *field = field_named(name);
    if (field == NULL || !field_is_argument[field - fields]) {
        PyErr_Format(PyExc_TypeError, "Call() got an unexpected keyword argument '%U'", name);
        return -1;
    }
    uint64_t bit = 1ULL << (field - fields);
    if (*seen & bit) {
        PyErr_Format(PyExc_TypeError, "Call() got '%U' twice", name);
        return -1;
    }
    *seen |= bit;
    return set((PyObject *)call, value, (void *)field);
}

static int fill_check(uint64_t seen) {
    uint64_t missing = REQUIRED & ~seen;
    if (missing == 0) {
        return 0;
    }
    PyErr_Format(PyExc_TypeError, "Call() misses the argument '%s'",
                 fields[__builtin_ctzll(missing)].name);
    return -1;
}

static int fields_init(CallObject *call, PyObject *args, PyObject *kwargs) {
    uint64_t seen = 0;
    if (kwargs != NULL && !PyArg_ValidateKeywordArguments(kwargs)) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); i++) {
        if (fill_position(call, i, PyTuple_GET_ITEM(args, i), &seen) < 0) {
            return -1;
        }
    }
    PyObject *name, *value;
    Py_ssize_t at = 0;
    while (kwargs != NULL && PyDict_Next(kwargs, &at, &name, &value)) {
        if (fill_keyword(call, name, value, &seen) < 0) {
            return -1;
        }
    }
    return fill_check(seen);
}

/* Call(...) without a tuple and a dict in between. */
static PyObject *call_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf,
                                 PyObject *keywords) {
    CallObject *call = new_blank((PyTypeObject *)type);
    if (call == NULL) {
        return NULL;
    }
    uint64_t seen = 0;
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    Py_ssize_t named = keywords == NULL ? 0 : PyTuple_GET_SIZE(keywords);
    int done = 0;
    for (Py_ssize_t i = 0; i < count && done == 0; i++) {
        done = fill_position(call, i, args[i], &seen);
    }
    for (Py_ssize_t i = 0; i < named && done == 0; i++) {
        done = fill_keyword(call, PyTuple_GET_ITEM(keywords, i), args[count + i], &seen);
    }
    if (done < 0 || fill_check(seen) < 0) {
        Py_DECREF(call);
        return NULL;
    }
    return (PyObject *)call;
}

PyTypeObject CallFields_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pie._core._native.CallFields",
    .tp_doc = "The fields of a Call.",
    .tp_basicsize = sizeof(CallObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_new = fields_new,
    .tp_init = (initproc)fields_init,
    .tp_dealloc = (destructor)fields_dealloc,
    .tp_traverse = (traverseproc)fields_traverse,
    .tp_clear = (inquiry)fields_clear,
    .tp_getset = accessors,
};

int call_use_class(PyTypeObject *cls) {
    if (!PyType_IsSubtype(cls, &CallFields_Type) || cls->tp_basicsize != sizeof(CallObject)) {
        PyErr_SetString(PyExc_TypeError, "Call must add no fields to CallFields");
        return -1;
    }
    while (spares > 0) {
        PyObject_GC_Del(spare[--spares]);
    }
    Py_XSETREF(call_class, (PyTypeObject *)Py_NewRef((PyObject *)cls));
    cls->tp_vectorcall = call_vectorcall;
    return 0;
}

int call_fields_init(PyObject *module) {
    nothing = PyTuple_New(0);
    empty_text = PyUnicode_InternFromString("");
    server_text = PyUnicode_InternFromString("server");
    client_text = PyUnicode_InternFromString("client");
    thrift_text = PyUnicode_InternFromString("thrift");
    http_text = PyUnicode_InternFromString("http");
    if (!nothing || !empty_text || !server_text || !client_text || !thrift_text || !http_text) {
        return -1;
    }
    for (size_t i = 0; i < FIELDS; i++) {
        names[i] = PyUnicode_InternFromString(fields[i].name);
        if (names[i] == NULL) {
            return -1;
        }
        accessors[i] = (PyGetSetDef){fields[i].name, get, set, NULL, (void *)&fields[i]};
        field_is_argument[i] = is_argument(&fields[i]);
    }
    return PyModule_AddType(module, &CallFields_Type);
}
