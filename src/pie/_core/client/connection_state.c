/* A client's connection as C and Python share it. */
#include "client/connection_state.h"

#include <structmember.h>

static PyMemberDef state_members[] = {
    {"fd", T_INT, offsetof(ConnectionState, fd), 0, NULL},
    {"sent", T_LONGLONG, offsetof(ConnectionState, sent), 0, NULL},
    {"used", T_BOOL, offsetof(ConnectionState, used), 0, NULL},
    {"reusable", T_BOOL, offsetof(ConnectionState, reusable), 0, NULL},
    {"idle_since", T_DOUBLE, offsetof(ConnectionState, idle_since), 0, NULL},
    {"unanswered", T_OBJECT, offsetof(ConnectionState, unanswered), 0, NULL},
    {NULL},
};

static void state_dealloc(ConnectionState *self) {
    Py_CLEAR(self->unanswered);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

PyTypeObject ConnectionState_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pie._core._native.ConnectionState",
    .tp_doc = "A client's connection, as far as C uses it.",
    .tp_basicsize = sizeof(ConnectionState),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_dealloc = (destructor)state_dealloc,
    .tp_members = state_members,
    .tp_new = PyType_GenericNew,
};

int connection_state_init(PyObject *module) {
    return PyModule_AddType(module, &ConnectionState_Type);
}
