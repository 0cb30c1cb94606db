/* Access: who may call what. Twin: pie/govern/access.py.
 *
 * What rules say is the same for all calls of a subject: Python decides once, C repeats it.
 */
#include "call/access_gate.h"

#include "call/gates.h"
#include "call/ruled.h"
#include "call/tally.h"

typedef struct {
    Counts *tally;
    Verdict verdict;
} Counted;

/* What is done with the calls of a subject. */
typedef struct {
    AnswerHead head;
    PyObject *refused; /* the ruling; NULL = they are admitted */
    PyObject *note;    /* or NULL */
    Py_ssize_t count;
    Counted *counted;
} Decision;

static PyTypeObject Decision_Type;

static int access_enter(GateOp *op, CallObject *call, double *delay) {
    Ruled *ruled = (Ruled *)op->part;
    Decision *decision = (Decision *)ruled_answer(ruled, call, 0, &Decision_Type, NULL);
    if (decision == NULL) {
        return -1;
    }
    int done = 0;
    for (Py_ssize_t i = 0; done == 0 && i < decision->count; i++) {
        done = counts_add(decision->counted[i].tally, decision->counted[i].verdict, ruled->counted);
    }
    if (done == 0 && UNLIKELY(decision->note != NULL)) {
        done = ruled_note(call, decision->note);
    }
    if (done == 0 && UNLIKELY(decision->refused != NULL)) {
        done = ruled_refuse(ruled, call, decision->refused);
    }
    Py_DECREF(decision);
    return done;
}

/* --- the type --- */

/* Reads a tuple of (tally, verdict). -1 with an exception set. */
static int read_counted(Decision *self, PyObject *pairs) {
    self->counted = PyMem_Calloc((size_t)PyTuple_GET_SIZE(pairs) + 1, sizeof(Counted));
    if (self->counted == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(pairs); i++) {
        PyObject *pair = PyTuple_GET_ITEM(pairs, i), *tally;
        int verdict;
        if (!PyTuple_Check(pair)) {
            PyErr_SetString(PyExc_TypeError, "a Decision counts pairs of a tally and a verdict");
            return -1;
        }
        if (!PyArg_ParseTuple(pair, "O!i", &Counts_Type, &tally, &verdict)) {
            return -1;
        }
        if (verdict < 0 || verdict >= VERDICT_COUNT) {
            PyErr_Format(PyExc_ValueError, "there is no verdict %d", verdict);
            return -1;
        }
        self->counted[i] = (Counted){(Counts *)Py_NewRef(tally), (Verdict)verdict};
        self->count++;
    }
    return 0;
}

static PyObject *decision_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"refused", "note", "counted", NULL};
    PyObject *refused, *note, *pairs;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOO!:Decision", keywords, &refused, &note,
                                     &PyTuple_Type, &pairs)) {
        return NULL;
    }
    Decision *self = (Decision *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->refused = refused == Py_None ? NULL : Py_NewRef(refused);
    self->note = note == Py_None ? NULL : Py_NewRef(note);
    if (read_counted(self, pairs) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static void decision_dealloc(Decision *self) {
    Py_XDECREF(self->refused);
    Py_XDECREF(self->note);
    for (Py_ssize_t i = 0; i < self->count; i++) {
        Py_DECREF(self->counted[i].tally);
    }
    PyMem_Free(self->counted);
    Py_TYPE(self)->tp_free(self);
}

static PyTypeObject Decision_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pie._core._native.Decision",
    .tp_doc = "What is done with the calls of a subject: the ruling that refuses them or None, a note or None, "
              "pairs of a tally and the number of a verdict.",
    .tp_basicsize = sizeof(Decision),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = decision_new,
    .tp_dealloc = (destructor)decision_dealloc,
};

static const GateKind access_gate = {"Access", &ruled_state, &Ruled_Type, access_enter, NULL};

int access_gate_init(PyObject *module) {
    return PyModule_AddType(module, &Decision_Type) < 0 ? -1 : gate_kind_add(&access_gate);
}
