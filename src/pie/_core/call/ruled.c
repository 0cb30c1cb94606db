/* What rules say of a call, kept by who asks for what. */
#include "call/ruled.h"

#include "call/gates.h"

#define MOST_SETS 1024
#define WAYS 4

enum { CALLEE, METHOD, CALLER, CALLER_CLUSTER, CLUSTER, LANE, TEXTS };

/* The subject of calls, as texts of the call, and what rules say of it. Empty: `answer` is NULL. */
struct RuledSlot {
    Py_hash_t hash;
    PyObject *texts[TEXTS];
    PyObject *answer;
};

/* Borrows the texts of Subject.of (pie/govern/scope.py). */
static void read_texts(CallObject *call, PyObject *texts[TEXTS]) {
    texts[CALLEE] = call->callee;
    texts[METHOD] = call->method;
    texts[CALLER] = call->caller;
    texts[CALLER_CLUSTER] = call->caller_cluster;
    bool routed = PyUnicode_GET_LENGTH(call->asked_cluster) > 0;
    texts[CLUSTER] = routed ? call->asked_cluster : call->callee_cluster;
    texts[LANE] = call->env;
}

/* -1 with an exception set. A text remembers its hash. */
static Py_hash_t hash_of(PyObject *texts[TEXTS]) {
    size_t hash = 0;
    for (int i = 0; i < TEXTS; i++) {
        Py_hash_t its = PyObject_Hash(texts[i]);
        if (its == -1) {
            return -1;
        }
        hash = (hash ^ (size_t)its) * 0x9E3779B97F4A7C15u;
        hash ^= hash >> 32;
    }
    return hash == (size_t)-1 ? -2 : (Py_hash_t)hash;
}

static bool same_text(PyObject *one, PyObject *other) {
    if (one == other) {
        return true;
    }
    Py_ssize_t length = PyUnicode_GET_LENGTH(one);
    int kind = PyUnicode_KIND(one);
    return PyUnicode_GET_LENGTH(other) == length && (int)PyUnicode_KIND(other) == kind &&
           memcmp(PyUnicode_DATA(one), PyUnicode_DATA(other), (size_t)(length * kind)) == 0;
}

static bool same_texts(PyObject *texts[TEXTS], PyObject *others[TEXTS]) {
    for (int i = 0; i < TEXTS; i++) {
        if (!same_text(texts[i], others[i])) {
            return false;
        }
    }
    return true;
}

static void slot_clear(RuledSlot *slot) {
    RuledSlot before = *slot;
    memset(slot, 0, sizeof *slot); /* Letting go may run Python, which may look here. */
    if (before.answer != NULL) {
        for (int i = 0; i < TEXTS; i++) {
            Py_DECREF(before.texts[i]);
        }
        Py_DECREF(before.answer);
    }
}

/* Keeps an answer, in an empty slot of its set or instead of another. */
static void keep(Ruled *ruled, Py_hash_t hash, PyObject *texts[TEXTS], PyObject *answer) {
    RuledSlot *set = &ruled->slots[((size_t)hash & (ruled->sets - 1)) * WAYS];
    RuledSlot *slot = &set[ruled->turn++ % WAYS];
    for (int i = 0; i < WAYS; i++) {
        if (set[i].answer == NULL || (set[i].hash == hash && same_texts(texts, set[i].texts))) {
            slot = &set[i];
            break;
        }
    }
    RuledSlot made = {hash, {NULL}, Py_NewRef(answer)};
    for (int i = 0; i < TEXTS; i++) {
        made.texts[i] = Py_NewRef(texts[i]);
    }
    RuledSlot before = *slot;
    *slot = made;
    slot_clear(&before);
}

/* Asks the gate. */
static PyObject *ask(Ruled *ruled, CallObject *call, double now, PyTypeObject *type) {
    PyObject *seconds = PyFloat_FromDouble(now);
    PyObject *answer =
        seconds == NULL ? NULL
                        : PyObject_CallFunctionObjArgs(ruled->answer, call, seconds, NULL);
    Py_XDECREF(seconds);
    if (answer != NULL && !Py_IS_TYPE(answer, type)) {
        PyErr_Format(PyExc_TypeError, "a gate's answer must be a %s, not %.100s", type->tp_name,
                     Py_TYPE(answer)->tp_name);
        Py_CLEAR(answer);
    }
    return answer;
}

PyObject *ruled_answer(Ruled *ruled, CallObject *call, double now, PyTypeObject *type,
                       bool (*is_over)(PyObject *answer, const CallObject *call)) {
    PyObject *texts[TEXTS];
    read_texts(call, texts);
    Py_hash_t hash = hash_of(texts);
    if (hash == -1) {
        return NULL;
    }
    RuledSlot *set = &ruled->slots[((size_t)hash & (ruled->sets - 1)) * WAYS];
    for (int i = 0; i < WAYS; i++) {
        RuledSlot *slot = &set[i];
        if (slot->hash == hash && slot->answer != NULL && same_texts(texts, slot->texts)) {
            if (is_over == NULL || LIKELY(!is_over(slot->answer, call))) {
                return Py_NewRef(slot->answer);
            }
            break;
        }
    }
    for (int i = 0; i < TEXTS; i++) {
        Py_INCREF(texts[i]); /* Python may change the call. */
    }
    PyObject *answer = ask(ruled, call, now, type);
    if (answer != NULL && !((AnswerHead *)answer)->passing) {
        keep(ruled, hash, texts, answer);
    }
    for (int i = 0; i < TEXTS; i++) {
        Py_DECREF(texts[i]);
    }
    return answer;
}

int ruled_refuse(Ruled *ruled, CallObject *call, PyObject *ruling) {
    PyObject *answer = PyObject_CallFunctionObjArgs(ruled->refuse, call, ruling, NULL);
    if (answer != NULL) {
        Py_DECREF(answer);
        PyErr_SetString(PyExc_SystemError, "a gate that refuses a call raised no Failure");
    }
    return -1;
}

int ruled_note(CallObject *call, PyObject *note) {
    if (call->notes == NULL && (call->notes = PyList_New(0)) == NULL) {
        return -1;
    }
    return PyList_Append(call->notes, note);
}

/* --- the type --- */

static const NamedField ruled_fields[] = {NAMED_AS(GateOp, part, "ruled", OBJECT), NAMED_END};
NamedStruct ruled_state = {"pie.govern.ruled.NativeRuled", ruled_fields};

static PyObject *ruled_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"answer", "refuse", "counted", "sets", NULL};
    PyObject *answer, *refuse, *counted;
    unsigned sets = MOST_SETS;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOO!|I:Ruled", keywords, &answer, &refuse,
                                     &PyList_Type, &counted, &sets)) {
        return NULL;
    }
    if (sets == 0 || sets > MOST_SETS || (sets & (sets - 1)) != 0) {
        return PyErr_Format(PyExc_ValueError, "sets must be a power of two up to %d", MOST_SETS);
    }
    Ruled *self = (Ruled *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->answer = Py_NewRef(answer);
    self->refuse = Py_NewRef(refuse);
    self->counted = Py_NewRef(counted);
    self->sets = sets;
    self->slots = PyMem_Calloc((size_t)sets * WAYS, sizeof(RuledSlot));
    if (self->slots == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

static int ruled_traverse(Ruled *self, visitproc visit, void *arg) {
    Py_VISIT(self->answer);
    Py_VISIT(self->refuse);
    Py_VISIT(self->counted);
    for (size_t i = 0; self->slots != NULL && i < self->sets * WAYS; i++) {
        Py_VISIT(self->slots[i].answer);
    }
    return 0;
}

static int ruled_clear(Ruled *self) {
    Py_CLEAR(self->answer);
    Py_CLEAR(self->refuse);
    Py_CLEAR(self->counted);
    for (size_t i = 0; self->slots != NULL && i < self->sets * WAYS; i++) {
        slot_clear(&self->slots[i]);
    }
    return 0;
}

static void ruled_dealloc(Ruled *self) {
    PyObject_GC_UnTrack(self);
    ruled_clear(self);
    PyMem_Free(self->slots);
    Py_TYPE(self)->tp_free(self);
}

PyTypeObject Ruled_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pie._core._native.Ruled",
    .tp_doc = "What the rules of one gate say of calls, kept by who asks for what.",
    .tp_basicsize = sizeof(Ruled),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = ruled_new,
    .tp_dealloc = (destructor)ruled_dealloc,
    .tp_traverse = (traverseproc)ruled_traverse,
    .tp_clear = (inquiry)ruled_clear,
};

int ruled_init(PyObject *module) {
    return PyModule_AddType(module, &Ruled_Type);
}
