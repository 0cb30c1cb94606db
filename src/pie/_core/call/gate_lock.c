/* The one lock of all lists of gates that share state. Twin: PythonGateLock of pie/call/gates.py. */
#include "call/gate_lock.h"

#include "base/errors.h"

struct Dropped {
    Passage passage;
    void (*leave)(Passage *);
    Dropped *next;
};

int gate_lock_take(GateLock *self) {
    if (UNLIKELY(gate_lock_is_mine(self))) {
        PyErr_SetString(PyExc_RuntimeError,
                        "a gate made a call whose gates share its lock: a gate does no I/O");
        return -1;
    }
    if (!PyThread_acquire_lock(self->lock, NOWAIT_LOCK)) {
        Py_BEGIN_ALLOW_THREADS
        PyThread_acquire_lock(self->lock, WAIT_LOCK);
        Py_END_ALLOW_THREADS
    }
    self->owner = PyThread_get_thread_ident();
    return 0;
}

static void leave_dropped(GateLock *self) {
    PyObject *current = error_take();
    while (self->dropped != NULL) {
        Dropped *first = self->dropped;
        self->dropped = first->next;
        first->leave(&first->passage);
        PyMem_Free(first);
    }
    error_give(current);
}

void gate_lock_release(GateLock *self) {
    if (UNLIKELY(self->dropped != NULL)) {
        leave_dropped(self);
    }
    self->owner = 0;
    PyThread_release_lock(self->lock);
}

void gate_lock_defer(GateLock *self, Passage *passage, void (*leave)(Passage *)) {
    Dropped *last = PyMem_Malloc(sizeof *last);
    if (last == NULL) { /* In the middle of a gate, but it is left. */
        leave(passage);
        return;
    }
    *last = (Dropped){*passage, leave, NULL};
    *passage = (Passage){0};
    Dropped **end = &self->dropped;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = last;
}

/* --- for Python --- */

static PyObject *lock_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    GateLock *self = (GateLock *)type->tp_alloc(type, 0);
    if (self != NULL && (self->lock = PyThread_allocate_lock()) == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

static void lock_dealloc(GateLock *self) {
    if (self->lock != NULL) {
        PyThread_free_lock(self->lock);
    }
    Py_TYPE(self)->tp_free(self);
}

/* The old lock may be held for ever by a thread that is not here, so it is given up, not freed; and so
 * is what that thread dropped. */
static PyObject *lock_renew(GateLock *self, PyObject *nothing) {
    PyThread_type_lock lock = PyThread_allocate_lock();
    if (lock == NULL) {
        return PyErr_NoMemory();
    }
    if (gate_lock_is_mine(self)) { /* A gate forked. */
        PyThread_acquire_lock(lock, NOWAIT_LOCK);
    } else {
        self->owner = 0;
        self->dropped = NULL;
    }
    self->lock = lock;
    Py_RETURN_NONE;
}

static PyObject *lock_enter(GateLock *self, PyObject *nothing) {
    if (gate_lock_take(self) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *lock_exit(GateLock *self, PyObject *args) {
    if (!gate_lock_is_mine(self)) {
        PyErr_SetString(PyExc_RuntimeError, "this thread does not hold the lock");
        return NULL;
    }
    gate_lock_release(self);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"renew", (PyCFunction)lock_renew, METH_NOARGS,
     "In a forked child: the lock may be held by a thread that is not there."},
    {"__enter__", (PyCFunction)lock_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)lock_exit, METH_VARARGS, NULL},
    {NULL},
};

PyTypeObject GateLock_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pie._core._native.GateLock",
    .tp_doc = "The one lock of all lists of gates that share state.",
    .tp_basicsize = sizeof(GateLock),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = lock_new,
    .tp_dealloc = (destructor)lock_dealloc,
    .tp_methods = methods,
};

int gate_lock_init(PyObject *module) {
    return PyModule_AddType(module, &GateLock_Type);
}
