/* Lists of gates in C. Twin: pie/call/gates.py. */
#include "call/gates.h"

#include "base/errors.h"
#include "call/gate_lock.h"

#define MOST_KINDS 32

/* All gates that are written in C; their classes come by `setup_gate`. */
static const GateKind *kinds[MOST_KINDS];
static PyObject *classes[MOST_KINDS];
static size_t kind_count;
static PyObject *enter_name, *leave_name, *native_state_name;

/* --- a gate in Python --- */

int gate_enter_in_python(GateOp *op, CallObject *call) {
    PyObject *answer = PyObject_CallMethodOneArg(op->gate, enter_name, (PyObject *)call);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

static int python_enter(GateOp *op, CallObject *call, double *delay) {
    PyObject *answer = PyObject_CallMethodOneArg(op->gate, enter_name, (PyObject *)call);
    if (answer == NULL) {
        return -1;
    }
    if (answer != Py_None) {
        *delay = PyFloat_AsDouble(answer);
        if (PyErr_Occurred() || isnan(*delay)) {
            /* It has let the call in, so it is to be left all the same. */
            PyErr_Format(PyExc_TypeError, "%.100s.enter must return seconds or None, not %.100s",
                         Py_TYPE(op->gate)->tp_name, Py_TYPE(answer)->tp_name);
            *delay = NAN;
        }
    }
    Py_DECREF(answer);
    return 0;
}

static int python_leave(GateOp *op, CallObject *call) {
    PyObject *answer = PyObject_CallMethodOneArg(op->gate, leave_name, (PyObject *)call);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

static const GateKind python_gate = {
    "", NULL, NULL, python_enter, python_leave};

/* --- the gates of a list at one time --- */

typedef struct {
    PyObject_VAR_HEAD
    GateLock *lock;
    bool locks; /* some gates are in Python */
    GateOp ops[];
} Steps;

static int steps_traverse(Steps *self, visitproc visit, void *arg) {
    for (Py_ssize_t i = 0; i < Py_SIZE(self); i++) {
        Py_VISIT(self->ops[i].gate);
        Py_VISIT(self->ops[i].part);
    }
    return 0;
}

static void steps_dealloc(Steps *self) {
    PyObject_GC_UnTrack(self);
    for (Py_ssize_t i = 0; i < Py_SIZE(self); i++) {
        Py_CLEAR(self->ops[i].gate);
        Py_CLEAR(self->ops[i].part);
        Py_CLEAR(self->ops[i].text);
    }
    Py_CLEAR(self->lock);
    PyObject_GC_Del(self);
}

static PyTypeObject Steps_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pie._core._native.Steps",
    .tp_basicsize = sizeof(Steps),
    .tp_itemsize = sizeof(GateOp),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = (destructor)steps_dealloc,
    .tp_traverse = (traverseproc)steps_traverse,
};

/* Takes over what a gate's native_state() says: 1; 0 = it is None, the gate stays in Python. */
static int take_state(GateOp *op, const GateKind *kind, PyObject *state) {
    if (state == Py_None) {
        return 0;
    }
    if (kind->state != NULL && named_read(kind->state, state, op) < 0) {
        return -1;
    }
    if (kind->part_type != NULL && op->part != NULL && !Py_IS_TYPE(op->part, kind->part_type)) {
        PyErr_Format(PyExc_TypeError, "native_state() of %s does not hold a %s", kind->name,
                     kind->part_type->tp_name);
        return -1;
    }
    return 1;
}

static int compile_gate(GateOp *op, PyObject *gate) {
    op->gate = Py_NewRef(gate);
    for (size_t i = 0; i < kind_count; i++) {
        if ((PyObject *)Py_TYPE(gate) != classes[i]) {
            continue;
        }
        PyObject *state = PyObject_CallMethodNoArgs(gate, native_state_name);
        int taken = state == NULL ? -1 : take_state(op, kinds[i], state);
        Py_XDECREF(state);
        if (taken > 0) {
            op->kind = kinds[i];
        }
        return taken < 0 ? -1 : 0;
    }
    return 0;
}

static Steps *steps_of(PyObject *gates, GateLock *lock) {
    Py_ssize_t count = PyTuple_GET_SIZE(gates);
    Steps *self = PyObject_GC_NewVar(Steps, &Steps_Type, count);
    if (self == NULL) {
        return NULL;
    }
    memset(self->ops, 0, sizeof(GateOp) * count);
    self->lock = (GateLock *)Py_NewRef(lock);
    self->locks = false;
    for (Py_ssize_t i = 0; i < count; i++) {
        self->ops[i].kind = &python_gate;
        if (compile_gate(&self->ops[i], PyTuple_GET_ITEM(gates, i)) < 0) {
            PyObject_GC_Track(self);
            Py_DECREF(self);
            return NULL;
        }
        self->locks |= self->ops[i].kind == &python_gate;
    }
    PyObject_GC_Track(self);
    return self;
}

/* --- a passage --- */

/* Notes the policy whose gate rejected the call. The exception that is set stays. */
static void note_gate(const GateOp *op, CallObject *call) {
    PyObject *error = error_take();
    PyObject *policy = PyObject_GetAttrString(op->gate, "policy");
    if (policy == NULL || !PyUnicode_Check(policy)) {
        PyErr_Clear();
        Py_XSETREF(policy, PyUnicode_FromString(_PyType_Name(Py_TYPE(op->gate))));
    }
    if (policy != NULL) {
        call_set(&call->gate, policy);
    }
    PyErr_Clear();
    error_give(error);
}

void passage_reject(const Passage *passage) {
    note_gate(&((Steps *)passage->gates)->ops[passage->entered - 1], passage->call);
}

int passage_enter(Passage *passage, double *delay) {
    Steps *steps = (Steps *)passage->gates;
    int count = (int)Py_SIZE(steps), done = 0;
    double wait = 0;
    if (steps->locks && gate_lock_take(steps->lock) < 0) {
        return -1;
    }
    while (passage->entered < count && wait == 0) {
        GateOp *op = &steps->ops[passage->entered];
        if (op->kind->enter != NULL && op->kind->enter(op, passage->call, &wait) < 0) {
            if (PyErr_ExceptionMatches(PyExc_Exception)) {
                note_gate(op, passage->call);
            }
            done = -1;
            break;
        }
        passage->entered++;
        if (UNLIKELY(isnan(wait))) {
            done = -1;
            break;
        }
    }
    if (steps->locks) {
        gate_lock_release(steps->lock);
    }
    if (done == 0 && wait != 0) {
        *delay = wait;
        return 1;
    }
    return done;
}

static int leave_now(Passage *passage) {
    Steps *steps = (Steps *)passage->gates;
    PyObject *broken = NULL;
    while (passage->entered > 0) {
        GateOp *op = &steps->ops[--passage->entered];
        if (op->kind->leave != NULL && UNLIKELY(op->kind->leave(op, passage->call) < 0)) {
            PyObject *error = error_take();
            if (broken == NULL) {
                broken = error;
            } else {
                Py_DECREF(error);
            }
        }
    }
    error_give(broken);
    return broken == NULL ? 0 : -1;
}

static void passage_clear(Passage *passage) {
    Py_CLEAR(passage->gates);
    Py_CLEAR(passage->call);
}

static void leave_deferred(Passage *passage) {
    if (leave_now(passage) < 0) {
        PyErr_WriteUnraisable(passage->gates);
    }
    passage_clear(passage);
}

int passage_leave(Passage *passage) {
    Steps *steps = (Steps *)passage->gates;
    if (steps == NULL) {
        return 0;
    }
    bool locks = steps->locks && passage->entered > 0;
    if (locks && UNLIKELY(gate_lock_is_mine(steps->lock))) {
        gate_lock_defer(steps->lock, passage, leave_deferred);
        return 0;
    }
    if (locks && gate_lock_take(steps->lock) < 0) {
        return -1;
    }
    int done = leave_now(passage);
    if (locks) {
        gate_lock_release(steps->lock);
    }
    PyObject *error = error_take();
    passage_clear(passage);
    error_give(error);
    return done;
}

/* --- the list --- */

typedef struct {
    PyObject_HEAD
    Steps *steps;
    GateLock *lock;
    PyObject *references;
} GateList;

int passage_start(Passage *passage, PyObject *gates, CallObject *call) {
    GateList *list = (GateList *)gates;
    if (list->steps == NULL) {
        PyErr_SetString(PyExc_ValueError, "a list of gates was not initialised");
        return -1;
    }
    passage->gates = Py_NewRef(list->steps);
    passage->call = (CallObject *)Py_NewRef(call);
    passage->entered = 0;
    return 0;
}

static PyObject *list_replace(GateList *self, PyObject *gates) {
    if (self->lock == NULL) {
        PyErr_SetString(PyExc_ValueError, "a list of gates was not initialised");
        return NULL;
    }
    PyObject *tuple = PySequence_Tuple(gates);
    if (tuple == NULL) {
        return NULL;
    }
    Steps *steps = steps_of(tuple, self->lock), *before = self->steps;
    Py_DECREF(tuple);
    if (steps == NULL) {
        return NULL;
    }
    self->steps = steps;
    Py_XDECREF(before);
    Py_RETURN_NONE;
}

static PyObject *list_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    return type->tp_alloc(type, 0);
}

static int list_init(GateList *self, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"gates", "lock", NULL};
    PyObject *gates, *lock;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO!:GateList", keywords, &gates,
                                     &GateLock_Type, &lock)) {
        return -1;
    }
    call_set((PyObject **)&self->lock, Py_NewRef(lock));
    PyObject *done = list_replace(self, gates);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

/* The gates, each with whether it runs in C. */
static PyObject *list_gates(GateList *self, void *closure) {
    Py_ssize_t count = self->steps == NULL ? 0 : Py_SIZE(self->steps);
    PyObject *found = PyTuple_New(count);
    for (Py_ssize_t i = 0; found != NULL && i < count; i++) {
        GateOp *op = &self->steps->ops[i];
        PyObject *pair = Py_BuildValue("(ON)", op->gate,
                                       PyBool_FromLong(op->kind != &python_gate));
        if (pair == NULL) {
            Py_CLEAR(found);
            break;
        }
        PyTuple_SET_ITEM(found, i, pair);
    }
    return found;
}

static int list_traverse(GateList *self, visitproc visit, void *arg) {
    Py_VISIT(self->steps);
    return 0;
}

static int list_clear(GateList *self) {
    Py_CLEAR(self->steps);
    return 0;
}

static void list_dealloc(GateList *self) {
    PyObject_GC_UnTrack(self);
    if (self->references != NULL) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    list_clear(self);
    Py_CLEAR(self->lock);
    Py_TYPE(self)->tp_free(self);
}

static PyMethodDef list_methods[] = {
    {"replace", (PyCFunction)list_replace, METH_O,
     "Put other gates in force; calls already on their way keep those they entered by."},
    {NULL},
};

static PyGetSetDef list_getters[] = {
    {"gates", (getter)list_gates, NULL, "Each gate, and whether it runs in C.", NULL},
    {NULL},
};

PyTypeObject GateList_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pie._core._native.GateList",
    .tp_doc = "An ordered list of gates under one lock.",
    .tp_basicsize = sizeof(GateList),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_new = list_new,
    .tp_init = (initproc)list_init,
    .tp_dealloc = (destructor)list_dealloc,
    .tp_traverse = (traverseproc)list_traverse,
    .tp_clear = (inquiry)list_clear,
    .tp_weaklistoffset = offsetof(GateList, references),
    .tp_methods = list_methods,
    .tp_getset = list_getters,
};

/* --- set-up --- */

int gate_kind_add(const GateKind *kind) {
    if (kind_count == MOST_KINDS) {
        PyErr_SetString(PyExc_SystemError, "more gates than MOST_KINDS in call/gates.c");
        return -1;
    }
    kinds[kind_count++] = kind;
    return kind->state == NULL ? 0 : named_add(kind->state);
}

static PyObject *setup_gate(PyObject *module, PyObject *args) {
    const char *name;
    PyObject *cls;
    if (!PyArg_ParseTuple(args, "sO!", &name, &PyType_Type, &cls)) {
        return NULL;
    }
    for (size_t i = 0; i < kind_count; i++) {
        if (strcmp(kinds[i]->name, name) == 0) {
            Py_XSETREF(classes[i], Py_NewRef(cls));
            Py_RETURN_NONE;
        }
    }
    return PyErr_Format(PyExc_ValueError, "no gate of the name %s is written in C", name);
}

static PyMethodDef functions[] = {
    {"setup_gate", setup_gate, METH_VARARGS, "The class whose gates one of C's stands in for."},
    {NULL},
};

int gates_init(PyObject *module) {
    enter_name = PyUnicode_InternFromString("enter");
    leave_name = PyUnicode_InternFromString("leave");
    native_state_name = PyUnicode_InternFromString("native_state");
    if (enter_name == NULL || leave_name == NULL || native_state_name == NULL) {
        return -1;
    }
    if (PyType_Ready(&Steps_Type) < 0) {
        return -1;
    }
    if (PyModule_AddFunctions(module, functions) < 0) {
        return -1;
    }
    return PyModule_AddType(module, &GateList_Type);
}
