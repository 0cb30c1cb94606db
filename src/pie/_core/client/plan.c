/* What a fast path keeps between calls: plans, with the ports of endpoints, and the methods of a
 * service. */
#include "client/plan.h"

#include "base/fork.h"
#include "base/named.h"

/* --- plans --- */

static const NamedField plan_fields[] = {
    NAMED(ClientPlan, usable, FLAG),
    NAMED(ClientPlan, bound, OBJECT),
    NAMED(ClientPlan, course, OBJECT),
    NAMED(ClientPlan, source, OBJECT),
    NAMED_OR_NONE(ClientPlan, note, TEXT),
    NAMED(ClientPlan, caller, TEXT),
    NAMED(ClientPlan, caller_cluster, TEXT),
    NAMED(ClientPlan, callee, TEXT),
    NAMED(ClientPlan, callee_cluster, TEXT),
    NAMED(ClientPlan, service, TEXT),
    NAMED(ClientPlan, host, TEXT),
    NAMED(ClientPlan, pin, TEXT),
    NAMED(ClientPlan, timeout, NUMBER),
    NAMED(ClientPlan, usual_timeout, NUMBER),
    NAMED(ClientPlan, next_look, NUMBER),
    NAMED(ClientPlan, max_idle, SIZE),
    NAMED(ClientPlan, idle_seconds, NUMBER),
    NAMED(ClientPlan, look_after, NUMBER),
    NAMED_END,
};
static const NamedField port_fields[] = {
    NAMED_OR_NONE(Port, pool, OBJECT),
    NAMED(Port, transport, INT),
    NAMED(Port, protocol, INT),
    NAMED(Port, addressee, TEXT),
    NAMED(Port, keeps_quiet, FLAG),
    NAMED_END,
};
static NamedStruct plan_struct = {"pie.rpc.client.fast_path.ClientPlan", plan_fields};
static NamedStruct port_struct = {"pie.rpc.client.fast_path.Port", port_fields};

static unsigned generation;

static void plan_dealloc(ClientPlan *self) {
    named_clear(&plan_struct, self);
    for (int i = 0; i < PORTS; i++) {
        Py_XDECREF(self->ports[i].endpoint);
        named_clear(&port_struct, &self->ports[i]);
    }
    PyObject_Free(self);
}

static PyTypeObject ClientPlan_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pie._core._native.ClientPlan",
    .tp_basicsize = sizeof(ClientPlan),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = (destructor)plan_dealloc,
};

ClientPlan *plan_make(PyObject *from, unsigned made_in) {
    ClientPlan *self = PyObject_New(ClientPlan, &ClientPlan_Type);
    if (self == NULL) {
        return NULL;
    }
    memset((char *)self + sizeof(PyObject), 0, sizeof *self - sizeof(PyObject));
    self->generation = made_in;
    if (named_read(&plan_struct, from, self) < 0) {
        Py_CLEAR(self);
    }
    return self;
}

unsigned plan_generation(void) {
    return generation;
}

static PyObject *renew_plans(PyObject *module, PyObject *nothing) {
    generation++;
    Py_RETURN_NONE;
}

static Port *slot_of(const ClientPlan *plan, PyObject *endpoint) {
    return (Port *)&plan->ports[((uintptr_t)endpoint >> 4) % PORTS];
}

const Port *plan_port(const ClientPlan *plan, PyObject *endpoint, double now, double patience) {
    const Port *port = slot_of(plan, endpoint);
    return LIKELY(port->endpoint == endpoint && now - port->made < patience) ? port : NULL;
}

const Port *plan_set_port(ClientPlan *plan, PyObject *endpoint, double now, PyObject *from) {
    Port fresh = {.endpoint = endpoint, .made = now};
    if (named_read(&port_struct, from, &fresh) < 0) {
        return NULL;
    }
    Py_INCREF(endpoint);
    Port *port = slot_of(plan, endpoint), before = *port;
    *port = fresh;
    Py_XDECREF(before.endpoint);
    named_clear(&port_struct, &before);
    return port;
}

/* --- the methods of a service --- */

static void methods_dealloc(ClientMethods *self) {
    PyObject_GC_UnTrack(self);
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
    for (int i = 0; i < self->table.count; i++) {
        PyObject *index = PyLong_FromLong(i);
        int set = index == NULL
                      ? -1
                      : PyDict_SetItem(self->by_name, self->table.methods[i].name, index);
        Py_XDECREF(index);
        if (set < 0) {
            return -1;
        }
    }
    return 0;
}

static PyObject *client_methods(PyObject *module, PyObject *plans) {
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

/* In a forked child: it makes plans, and with them connections, of its own. */
static void forked(void) {
    generation++;
}

static PyMethodDef functions[] = {
    {"client_methods", client_methods, METH_O, "The methods of a service, from its MethodPlans."},
    {"renew_plans", renew_plans, METH_NOARGS, "Have every fast path get a new plan before its next call."},
    {NULL},
};

int plan_init(PyObject *module) {
    if (named_add(&plan_struct) < 0 || named_add(&port_struct) < 0 ||
        PyType_Ready(&ClientPlan_Type) < 0 || PyType_Ready(&ClientMethods_Type) < 0) {
        return -1;
    }
    fork_handler(forked);
    return PyModule_AddFunctions(module, functions);
}
