/* How calls went by one rule, counted. Twin: pie/govern/verdicts.py.
 *
 * The GIL is the lock: counting and taking run no Python in between.
 */
#include "call/tally.h"

#include "base/named.h"

int counts_list(Counts *counts, PyObject *counted) {
    if (PyList_Append(counted, (PyObject *)counts) < 0) {
        return -1;
    }
    counts->listed = true;
    return 0;
}

static PyObject *count(Counts *self, PyObject *args) {
    int verdict;
    PyObject *counted;
    if (!PyArg_ParseTuple(args, "iO!:count", &verdict, &PyList_Type, &counted)) {
        return NULL;
    }
    if (verdict < 0 || verdict >= VERDICT_COUNT) {
        return PyErr_Format(PyExc_ValueError, "there is no verdict %d", verdict);
    }
    if (counts_add(self, (Verdict)verdict, counted) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *take_calls(Counts *self, PyObject *nothing) {
    PyObject *taken = PyTuple_New(VERDICT_COUNT);
    if (taken == NULL) {
        return NULL;
    }
    for (int i = 0; i < VERDICT_COUNT; i++) {
        PyObject *calls = PyLong_FromLongLong(self->calls[i]);
        if (calls == NULL) {
            Py_DECREF(taken);
            return NULL;
        }
        PyTuple_SET_ITEM(taken, i, calls);
    }
    memset(self->calls, 0, sizeof self->calls);
    self->listed = false;
    return taken;
}

static PyMethodDef methods[] = {
    {"count", (PyCFunction)count, METH_VARARGS,
     "One call more, by the number of a verdict; the list holds those whose counts are above 0."},
    {"take_calls", (PyCFunction)take_calls, METH_NOARGS,
     "The numbers of calls, which are 0 from now on; it is on no list any more."},
    {NULL},
};

PyTypeObject Counts_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pie._core._native.Counts",
    .tp_doc = "Numbers of calls, by verdict.",
    .tp_basicsize = sizeof(Counts),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = PyType_GenericNew,
    .tp_methods = methods,
};

static const NamedNumber numbers[] = {{"ADMITTED", ADMITTED}, {"REJECTED", REJECTED},
                                      {"WOULD_REJECT", WOULD_REJECT}, {"ROUTED", ROUTED},
                                      {"FALLBACK", FALLBACK}, {"LIMITED", LIMITED}, {NULL}};
static NamedNumbers verdicts = {"pie.govern.verdicts.VerdictNumber", numbers};

int tally_init(PyObject *module) {
    named_add_numbers(&verdicts);
    return PyModule_AddType(module, &Counts_Type);
}
