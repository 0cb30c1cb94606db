/* Names of chains and spans. Twin: pie/model/logid.py, which also makes the prefix of each
 * second. */
#include "call/logid.h"

#include <sys/random.h>
#include <time.h>

#include "base/fork.h"
#include "call/system_clock.h"

#define LENGTH 32
#define PREFIX 28 /* time, address, slot */

static const char hex[] = "0123456789abcdef";

static void write_hex(uint8_t *end, uint64_t number, int digits) {
    for (; digits > 0; digits--, number >>= 4) {
        *--end = hex[number & 15];
    }
}

/* --- spans: SplitMix64 (Steele, Lea, Flood 2014) from a seed of the system --- */

static uint64_t span_state;
static bool span_seeded;

/* In a forked child: it must not draw its parent's ids. */
static void forget_seed(void) {
    span_seeded = false;
}

static int seed_spans(void) {
    if (getrandom(&span_state, sizeof span_state, 0) != sizeof span_state) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    span_seeded = true;
    return 0;
}

PyObject *new_span_id(void) {
    if (UNLIKELY(!span_seeded) && seed_spans() < 0) {
        return NULL;
    }
    uint64_t mixed = span_state += 0x9E3779B97F4A7C15;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB;
    mixed ^= mixed >> 31;
    PyObject *text = PyUnicode_New(16, 127);
    if (text != NULL) {
        write_hex(PyUnicode_1BYTE_DATA(text) + 16, mixed ? mixed : 1, 16);
    }
    return text;
}

static PyObject *py_new_span_id(PyObject *module, PyObject *nothing) {
    return new_span_id();
}

/* --- logids: a prefix for each second, and a counter --- */

typedef struct {
    PyObject_HEAD
    PyObject *clock; /* NULL = the machine's */
    int64_t second;  /* of the prefix; -1 = there is none */
    uint16_t counter;
    char prefix[PREFIX];
} LogidCounter;

/* Asks Python for the prefix of a second. Another thread may run meanwhile. */
static int renew_prefix(LogidCounter *self, int64_t second) {
    PyObject *prefix = PyObject_CallMethod((PyObject *)self, "prefix", "L", (long long)second);
    if (prefix == NULL) {
        return -1;
    }
    Py_ssize_t size;
    const char *text = PyUnicode_Check(prefix) ? PyUnicode_AsUTF8AndSize(prefix, &size) : NULL;
    if (text == NULL || size != PREFIX || !PyUnicode_IS_ASCII(prefix)) {
        if (!PyErr_Occurred()) {
            PyErr_Format(PyExc_ValueError, "a logid cannot begin with %R", prefix);
        }
        Py_DECREF(prefix);
        return -1;
    }
    memcpy(self->prefix, text, PREFIX);
    self->second = second;
    Py_DECREF(prefix);
    return 0;
}

static double wall_of(PyObject *clock) {
    PyObject *now = PyObject_CallMethod(clock, "wall", NULL);
    double seconds = now == NULL ? -1.0 : PyFloat_AsDouble(now);
    Py_XDECREF(now);
    return seconds;
}

static PyObject *next_logid(PyObject *generator) {
    LogidCounter *self = (LogidCounter *)generator;
    int64_t second = LIKELY(self->clock == NULL) ? time(NULL) : (int64_t)wall_of(self->clock);
    if (UNLIKELY(second == -1) && PyErr_Occurred()) {
        return NULL;
    }
    if (UNLIKELY(second != self->second) && renew_prefix(self, second) < 0) {
        return NULL;
    }
    PyObject *text = PyUnicode_New(LENGTH, 127);
    if (text == NULL) {
        return NULL;
    }
    self->counter++;
    uint8_t *to = PyUnicode_1BYTE_DATA(text);
    memcpy(to, self->prefix, PREFIX);
    write_hex(to + LENGTH, self->counter, LENGTH - PREFIX);
    return text;
}

static PyObject *counter_call(PyObject *self, PyObject *args, PyObject *kwargs) {
    if (PyTuple_GET_SIZE(args) != 0 || (kwargs != NULL && PyDict_GET_SIZE(kwargs) != 0)) {
        PyErr_SetString(PyExc_TypeError, "a logid takes no arguments");
        return NULL;
    }
    return next_logid(self);
}

static PyObject *counter_restart(LogidCounter *self, PyObject *args) {
    PyObject *clock;
    unsigned short counter;
    if (!PyArg_ParseTuple(args, "HO", &counter, &clock)) {
        return NULL;
    }
    Py_XSETREF(self->clock, clock_is_system(clock) ? NULL : Py_NewRef(clock));
    self->counter = counter;
    self->second = -1;
    Py_RETURN_NONE;
}

static int counter_traverse(LogidCounter *self, visitproc visit, void *arg) {
    Py_VISIT(self->clock);
    return 0;
}

static int counter_clear(LogidCounter *self) {
    Py_CLEAR(self->clock);
    return 0;
}

static void counter_dealloc(LogidCounter *self) {
    PyObject_GC_UnTrack(self);
    counter_clear(self);
    Py_TYPE(self)->tp_free(self);
}

static PyMethodDef counter_methods[] = {
    {"restart", (PyCFunction)counter_restart, METH_VARARGS,
     "Forget the prefix; count on from here."},
    {NULL},
};

static PyTypeObject LogidCounter_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pie._core._native.LogidCounter",
    .tp_doc = "Logids of one process: `self.prefix(second)` and a counter.",
    .tp_basicsize = sizeof(LogidCounter),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_dealloc = (destructor)counter_dealloc,
    .tp_traverse = (traverseproc)counter_traverse,
    .tp_clear = (inquiry)counter_clear,
    .tp_call = counter_call,
    .tp_methods = counter_methods,
};

PyObject *logid_from(PyObject *generator) {
    if (Py_TYPE(generator)->tp_call == counter_call) {
        return next_logid(generator);
    }
    PyObject *logid = PyObject_CallNoArgs(generator);
    if (logid != NULL && !PyUnicode_CheckExact(logid)) {
        PyErr_Format(PyExc_TypeError, "a logid must be a str, not %.100s",
                     Py_TYPE(logid)->tp_name);
        Py_CLEAR(logid);
    }
    return logid;
}

static PyMethodDef functions[] = {
    {"new_span_id", py_new_span_id, METH_NOARGS, "16 hex digits, never all zero."},
    {NULL},
};

int logid_init(PyObject *module) {
    fork_handler(forget_seed);
    if (PyModule_AddFunctions(module, functions) < 0) {
        return -1;
    }
    return PyModule_AddType(module, &LogidCounter_Type);
}
