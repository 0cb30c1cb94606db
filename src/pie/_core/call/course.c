/* What decides how calls of one kind run. Twin: PythonCourse of pie/call/course.py. */
#include "call/course.h"

#include <structmember.h>

#include "call/gates.h"

static int init(Course *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"gates", "clock", "attempt_gates", "retry", "on_attempt", NULL};
    PyObject *gates, *clock, *more = Py_None, *retry = Py_None, *on_attempt = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|OOO:Course", names, &gates, &clock, &more,
                                     &retry, &on_attempt)) {
        return -1;
    }
    if (self->gates != NULL) {
        PyErr_SetString(PyExc_TypeError, "a Course does not change");
        return -1;
    }
    if (!PyObject_TypeCheck(gates, &GateList_Type) ||
        (more != Py_None && !PyObject_TypeCheck(more, &GateList_Type))) {
        PyErr_SetString(PyExc_TypeError, "the gates of a Course must be Gates");
        return -1;
    }
    self->gates = Py_NewRef(gates);
    self->clock = Py_NewRef(clock);
    self->attempt_gates = Py_NewRef(more);
    self->retry = Py_NewRef(retry);
    self->on_attempt = Py_NewRef(on_attempt);
    return 0;
}

static int traverse(Course *self, visitproc visit, void *arg) {
    Py_VISIT(self->gates);
    Py_VISIT(self->clock);
    Py_VISIT(self->attempt_gates);
    Py_VISIT(self->retry);
    Py_VISIT(self->on_attempt);
    return 0;
}

/* No tp_clear: a call under way reads these without looking. Cycles go through their other members. */
static void dealloc(Course *self) {
    PyObject_GC_UnTrack(self);
    if (self->references != NULL) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    Py_CLEAR(self->gates);
    Py_CLEAR(self->clock);
    Py_CLEAR(self->attempt_gates);
    Py_CLEAR(self->retry);
    Py_CLEAR(self->on_attempt);
    Py_TYPE(self)->tp_free(self);
}

static PyMemberDef members[] = {
    {"gates", T_OBJECT, offsetof(Course, gates), READONLY, NULL},
    {"clock", T_OBJECT, offsetof(Course, clock), READONLY, NULL},
    {"attempt_gates", T_OBJECT, offsetof(Course, attempt_gates), READONLY, NULL},
    {"retry", T_OBJECT, offsetof(Course, retry), READONLY, NULL},
    {"on_attempt", T_OBJECT, offsetof(Course, on_attempt), READONLY, NULL},
    {NULL},
};

PyTypeObject Course_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pie._core._native.Course",
    .tp_doc = "Course(gates, clock, attempt_gates=None, retry=None, on_attempt=None)",
    .tp_basicsize = sizeof(Course),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)init,
    .tp_dealloc = (destructor)dealloc,
    .tp_traverse = (traverseproc)traverse,
    .tp_weaklistoffset = offsetof(Course, references),
    .tp_members = members,
};

int course_init(PyObject *module) {
    return PyModule_AddType(module, &Course_Type);
}
