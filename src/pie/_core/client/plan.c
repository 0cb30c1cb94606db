/* What a lane keeps between calls: connections' state, plans, the methods of a service. */
#include "client/plan.h"

#include <structmember.h>

/* --- the state of a connection --- */

static PyMemberDef state_members[] = {
    {"fd", T_INT, offsetof(ConnectionState, fd), 0, NULL},
    {"sent", T_LONGLONG, offsetof(ConnectionState, sent), 0, NULL},
    {"used", T_BOOL, offsetof(ConnectionState, used), 0, NULL},
    {"reusable", T_BOOL, offsetof(ConnectionState, reusable), 0, NULL},
    {"idle_since", T_DOUBLE, offsetof(ConnectionState, idle_since), 0, NULL},
    {NULL},
};

PyTypeObject ConnectionState_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pie._core._native.ConnectionState",
    .tp_doc = "What the client's lane knows of a connection.",
    .tp_basicsize = sizeof(ConnectionState),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_members = state_members,
    .tp_new = PyType_GenericNew,
};

/* --- plans --- */

static void plan_dealloc(Plan *self) {
    Py_XDECREF(self->runtime);
    Py_XDECREF(self->bound);
    Py_XDECREF(self->course);
    Py_XDECREF(self->source);
    Py_XDECREF(self->note);
    Py_XDECREF(self->caller);
    Py_XDECREF(self->caller_cluster);
    Py_XDECREF(self->callee);
    Py_XDECREF(self->callee_cluster);
    Py_XDECREF(self->host);
    Py_XDECREF(self->pin);
    for (int i = 0; i < PORTS; i++) {
        Py_XDECREF(self->ports[i].endpoint);
        Py_XDECREF(self->ports[i].instance);
    }
    PyObject_Free(self);
}

static PyTypeObject Plan_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pie._core._native.LanePlan",
    .tp_basicsize = sizeof(Plan),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = (destructor)plan_dealloc,
};

Plan *plan_of(PyObject *told) {
    Plan *self = PyObject_New(Plan, &Plan_Type);
    if (self == NULL) {
        return NULL;
    }
    memset((char *)self + sizeof(PyObject), 0, sizeof *self - sizeof(PyObject));
    int usable;
    PyObject *note;
    if (!PyArg_ParseTuple(told, "pOOOOOUUUUUUddndd:plan", &usable, &self->runtime, &self->bound,
                          &self->course, &self->source, &note, &self->caller,
                          &self->caller_cluster, &self->callee, &self->callee_cluster, &self->host,
                          &self->pin, &self->timeout, &self->next_look, &self->max_idle, &self->idle_seconds,
                          &self->look_after)) {
        PyObject_Free(self);
        return NULL;
    }
    self->usable = usable;
    self->note = note == Py_None ? NULL : Py_NewRef(note);
    Py_INCREF(self->runtime);
    Py_INCREF(self->bound);
    Py_INCREF(self->course);
    Py_INCREF(self->source);
    Py_INCREF(self->caller);
    Py_INCREF(self->caller_cluster);
    Py_INCREF(self->callee);
    Py_INCREF(self->callee_cluster);
    Py_INCREF(self->host);
    Py_INCREF(self->pin);
    return self;
}

/* --- the methods of a service --- */

static void methods_dealloc(ClientMethods *self) {
    PyObject_GC_UnTrack(self);
    for (int i = 0; self->clients != NULL && i < self->table.count; i++) {
        Py_XDECREF(self->clients[i]);
    }
    PyMem_Free(self->clients);
    methods_close(&self->table);
    Py_XDECREF(self->by_name);
    PyObject_GC_Del(self);
}

static int methods_traverse(ClientMethods *self, visitproc visit, void *arg) {
    Py_VISIT(self->by_name);
    return methods_visit(&self->table, visit, arg);
}

PyTypeObject ClientMethods_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pie._core._native.ClientMethods",
    .tp_doc = "ClientMethods(plans): the methods of a service, for its clients.",
    .tp_basicsize = sizeof(ClientMethods),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = (destructor)methods_dealloc,
    .tp_traverse = (traverseproc)methods_traverse,
};

static int fill(ClientMethods *self, PyObject *plans) {
    self->by_name = PyDict_New();
    if (self->by_name == NULL || methods_open(&self->table, plans) < 0) {
        return -1;
    }
    self->clients = PyMem_Calloc((size_t)self->table.count + 1, sizeof *self->clients);
    if (self->clients == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (int i = 0; i < self->table.count; i++) {
        Method *method = &self->table.methods[i];
        PyObject *service = PyObject_GetAttrString(method->description, "service");
        PyObject *index = service == NULL ? NULL : PyLong_FromLong(i);
        self->clients[i] = index == NULL ? NULL : PyUnicode_FromFormat("pie/%S", service);
        int set = self->clients[i] == NULL ? -1
                                           : PyDict_SetItem(self->by_name, method->name, index);
        Py_XDECREF(service);
        Py_XDECREF(index);
        if (set < 0) {
            return -1;
        }
    }
    return 0;
}

PyObject *client_methods(PyObject *module, PyObject *plans) {
    ClientMethods *self = PyObject_GC_New(ClientMethods, &ClientMethods_Type);
    if (self == NULL) {
        return NULL;
    }
    memset((char *)self + sizeof(PyObject), 0, sizeof *self - sizeof(PyObject));
    PyObject_GC_Track(self);
    if (fill(self, plans) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

int lane_plan_init(void) {
    return PyType_Ready(&ConnectionState_Type) < 0 || PyType_Ready(&Plan_Type) < 0 ||
                   PyType_Ready(&ClientMethods_Type) < 0
               ? -1
               : 0;
}
