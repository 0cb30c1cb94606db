/* The clock of the machine, which C reads by itself. */
#include "call/system_clock.h"

static PyObject *system_clock;

bool clock_is_system(PyObject *clock) {
    return clock == system_clock;
}

static PyObject *setup_clock(PyObject *module, PyObject *clock) {
    Py_XSETREF(system_clock, Py_NewRef(clock));
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"setup_clock", setup_clock, METH_O, "The clock that C reads by itself."},
    {NULL},
};

int system_clock_init(PyObject *module) {
    return PyModule_AddFunctions(module, functions);
}
