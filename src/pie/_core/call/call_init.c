/* What the Call's part of the extension adds to the module. */
#include "call/course.h"
#include "call/outcome.h"

PyObject *call_setup(PyObject *module, PyObject *args);
int call_fields_init(PyObject *module);
int logid_init(PyObject *module);
int gates_init(PyObject *module);
int routing_init(void);
int flow_module_init(PyObject *module);
int open_call_init(PyObject *module);
int call_log_init(PyObject *module);

static PyObject *setup_context(PyObject *module, PyObject *variable) {
    context_setup(variable);
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"setup_call", call_setup, METH_VARARGS, "The class Call, Failure, and failure_of."},
    {"setup_context", setup_context, METH_O, "The variable current_call."},
    {NULL},
};

int call_init(PyObject *module) {
    if (PyModule_AddFunctions(module, functions) < 0 || call_fields_init(module) < 0 ||
        logid_init(module) < 0 || gates_init(module) < 0 || routing_init() < 0 ||
        course_init(module) < 0 || flow_module_init(module) < 0) {
        return -1;
    }
    return open_call_init(module) < 0 ? -1 : call_log_init(module);
}
