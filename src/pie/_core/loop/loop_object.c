/* `_native.Loop`: a loop as Python has it, made of a `LoopPlan`. */
#include "loop/loop_object.h"

#include "base/named.h"
#include "loop/loop.h"
#include "loop/speaker.h"

typedef struct {
    PyObject_HEAD
    /* Of a pie.loop.native_loop.LoopPlan: */
    int listener; /* descriptor */
    PyObject *speakers; /* a tuple */
    PyObject *hooks_plan, *limits_plan;
    bool turns; /* an asyncio loop's thread alone serves connections */
    /* Made of it: */
    LoopHooks hooks;
    Loop loop;
    bool is_open, is_turning;
    Worker turning;
} LoopObject;

/* --- what Python gives it --- */

static const NamedField plan_fields[] = {
    NAMED(LoopObject, listener, INT),
    NAMED(LoopObject, speakers, TUPLE),
    NAMED_AS(LoopObject, hooks_plan, "hooks", OBJECT),
    NAMED_AS(LoopObject, limits_plan, "limits", OBJECT),
    NAMED(LoopObject, turns, FLAG),
    NAMED_END,
};
static const NamedField hook_fields[] = {
    NAMED(LoopHooks, refused, CALLABLE),
    NAMED(LoopHooks, cannot_accept, CALLABLE),
    NAMED(LoopHooks, crowded, CALLABLE),
    NAMED(LoopHooks, backlog_served, CALLABLE),
    NAMED_OR_NONE(LoopHooks, spawn, CALLABLE),
    NAMED(LoopHooks, end_forked_child, CALLABLE),
    NAMED_END,
};
static const NamedField limit_fields[] = {
    NAMED(Limits, write_limit, SIZE),
    NAMED(Limits, buffer_limit, SIZE),
    NAMED(Limits, max_connections, INT),
    NAMED(Limits, max_threads, INT),
    NAMED_AS(Limits, overload_ms, "overload_timeout", MILLIS),
    NAMED_END,
};
static NamedStruct plan_struct = {"pie.loop.native_loop.LoopPlan", plan_fields};
static NamedStruct hooks_struct = {"pie.loop.native_loop.LoopHooks", hook_fields};
static NamedStruct limits_struct = {"pie.loop.native_loop.LoopLimits", limit_fields};

static int read_speakers(LoopObject *self) {
    Py_ssize_t count = PyTuple_GET_SIZE(self->speakers);
    if (count < 1 || count > MOST_SPEAKERS) {
        PyErr_Format(PyExc_ValueError, "a loop has 1 to %d speakers, not %zd", MOST_SPEAKERS, count);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *each = PyTuple_GET_ITEM(self->speakers, i);
        if (!PyObject_TypeCheck(each, speaker_type)) {
            PyErr_Format(PyExc_TypeError, "LoopPlan.speakers holds %R, which is no Speaker", each);
            return -1;
        }
        self->loop.speakers[i] = ((SpeakerObject *)each)->speaker;
    }
    self->loop.speaker_count = (int)count;
    return 0;
}

static int read_plan(LoopObject *self, PyObject *plan) {
    if (named_read(&plan_struct, plan, self) < 0 ||
        named_read(&hooks_struct, self->hooks_plan, &self->hooks) < 0 ||
        named_read(&limits_struct, self->limits_plan, &self->loop.limits) < 0) {
        return -1;
    }
    if (!self->turns && self->hooks.spawn == NULL) {
        PyErr_SetString(PyExc_TypeError, "a loop of threads needs `spawn`");
        return -1;
    }
    return read_speakers(self);
}

/* --- the type --- */

/* The one worker of a loop that is served in turns. */
static int turning_open(LoopObject *self) {
    self->is_turning = true;
    if (worker_open(&self->turning, &self->loop) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    self->turning.leading = self->turning.turning = true;
    return 0;
}

static PyObject *loop_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *plan;
    if (!PyArg_ParseTuple(args, "O:Loop", &plan)) {
        return NULL;
    }
    LoopObject *self = (LoopObject *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->loop.owner = (PyObject *)self;
    if (read_plan(self, plan) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    self->loop.hooks = self->hooks;
    if (loop_open(&self->loop, self->listener, !self->turns) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    self->is_open = true;
    if (self->turns && turning_open(self) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static int loop_traverse(LoopObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    int stop = named_visit(&plan_struct, self, visit, arg);
    return stop ? stop : named_visit(&hooks_struct, &self->hooks, visit, arg);
}

static int loop_clear(LoopObject *self) {
    named_clear(&plan_struct, self);
    named_clear(&hooks_struct, &self->hooks);
    return 0;
}

static void loop_dealloc(LoopObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->is_open) {
        loop_close(&self->loop); /* Threads that work hold a reference: there are none. */
    }
    if (self->is_turning) {
        worker_close(&self->turning);
    }
    loop_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *work(LoopObject *self, PyObject *ignored) {
    return loop_work(&self->loop) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *refuse(LoopObject *self, PyObject *ignored) {
    return loop_refuse(&self->loop) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *turn(LoopObject *self, PyObject *ignored) {
    if (!self->is_turning) {
        PyErr_SetString(PyExc_RuntimeError, "a loop of threads takes no turns: use work()");
        return NULL;
    }
    return PyBool_FromLong(loop_turn(&self->turning));
}

static PyObject *get_fileno(LoopObject *self, PyObject *ignored) {
    return PyLong_FromLong(self->loop.epoll);
}

static PyObject *drain(LoopObject *self, PyObject *seconds) {
    double patience = PyFloat_AsDouble(seconds);
    if (patience == -1 && PyErr_Occurred()) {
        return NULL;
    }
    loop_drain(&self->loop, (int64_t)(patience * 1000));
    Py_RETURN_NONE;
}

static PyObject *hold_elsewhere(LoopObject *self, PyObject *bytes) {
    long long held = PyLong_AsLongLong(bytes);
    if (held == -1 && PyErr_Occurred()) {
        return NULL;
    }
    atomic_store(&self->loop.held_elsewhere, held);
    Py_RETURN_NONE;
}

static PyObject *get_connections(LoopObject *self, void *closure) {
    return PyLong_FromLong(atomic_load(&self->loop.open_count));
}

static PyObject *get_threads(LoopObject *self, void *closure) {
    return PyLong_FromLong(self->loop.worker_count);
}

static PyObject *get_held(LoopObject *self, void *closure) {
    return PyLong_FromLongLong(atomic_load(&self->loop.held));
}

static PyMethodDef loop_methods[] = {
    {"work", (PyCFunction)work, METH_NOARGS,
     "Answer requests until the loop has drained; any number of threads may."},
    {"refuse", (PyCFunction)refuse, METH_NOARGS,
     "Refuse requests while all threads are busy for too long; one thread does."},
    {"turn", (PyCFunction)turn, METH_NOARGS,
     "Serve what is ready, on the thread of the asyncio loop; False when the loop has drained."},
    {"fileno", (PyCFunction)get_fileno, METH_NOARGS,
     "The descriptor that is readable when a turn is due."},
    {"hold_elsewhere", (PyCFunction)hold_elsewhere, METH_O,
     "How many bytes wait in connections that were given away."},
    {"drain", (PyCFunction)drain, METH_O,
     "Stop accepting, let connections end, and cut what is left after so many seconds."},
    {NULL},
};

static PyGetSetDef loop_attributes[] = {
    {"connections", (getter)get_connections, NULL, "How many are open.", NULL},
    {"held", (getter)get_held, NULL, "Bytes that wait in connections.", NULL},
    {"threads", (getter)get_threads, NULL, "How many answer requests.", NULL},
    {NULL},
};

static PyType_Slot loop_slots[] = {
    {Py_tp_doc, "The loop of a server; see pie.loop."},
    {Py_tp_new, loop_new},
    {Py_tp_dealloc, loop_dealloc},
    {Py_tp_traverse, loop_traverse},
    {Py_tp_clear, loop_clear},
    {Py_tp_methods, loop_methods},
    {Py_tp_getset, loop_attributes},
    {0, NULL},
};

static PyType_Spec loop_spec = {
    .name = "pie._core._native.Loop",
    .basicsize = sizeof(LoopObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = loop_slots,
};

int loop_init(PyObject *module) {
    if (named_add(&plan_struct) < 0 || named_add(&hooks_struct) < 0 ||
        named_add(&limits_struct) < 0 || speaker_init(module) < 0) {
        return -1;
    }
    PyObject *type = PyType_FromSpec(&loop_spec);
    int added = type == NULL ? -1 : PyModule_AddObjectRef(module, "Loop", type);
    Py_XDECREF(type);
    return added;
}
