/* The room of the Call in the module: its types, and the functions that set it up. */
#include "call/call_init.h"

#include "base/readings.h"
#include "call/access_gate.h"
#include "call/balance_gate.h"
#include "call/call.h"
#include "call/course.h"
#include "call/deadline_gate.h"
#include "call/flow.h"
#include "call/gate_lock.h"
#include "call/gate_ops.h"
#include "call/gates.h"
#include "call/logid.h"
#include "call/open_call.h"
#include "call/outcome.h"
#include "call/rate_gate.h"
#include "call/rate_level.h"
#include "call/route_gate.h"
#include "call/route_plan.h"
#include "call/ruled.h"
#include "call/stress_gate.h"
#include "call/system_clock.h"
#include "call/tally.h"
#include "call/times.h"

static PyObject *setup_call(PyObject *module, PyObject *args) {
    PyObject *cls, *failure, *kind, *failure_of;
    if (!PyArg_ParseTuple(args, "O!OOO:setup_call", &PyType_Type, &cls, &failure, &kind,
                          &failure_of) ||
        call_use_class((PyTypeObject *)cls) < 0) {
        return NULL;
    }
    outcome_setup(failure, kind, failure_of);
    Py_RETURN_NONE;
}

static PyObject *setup_context(PyObject *module, PyObject *variable) {
    context_setup(variable);
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"setup_call", setup_call, METH_VARARGS, "The classes Call, Failure and Kind, and failure_of."},
    {"setup_context", setup_context, METH_O, "The variable current_call."},
    {NULL},
};

int call_init(PyObject *module) {
    if (PyModule_AddFunctions(module, functions) < 0 || outcome_init() < 0 ||
        call_fields_init(module) < 0 ||
        system_clock_init(module) < 0 || logid_init(module) < 0 || gate_lock_init(module) < 0 || gates_init(module) < 0 ||
        readings_init(module) < 0 || tally_init(module) < 0 || ruled_init(module) < 0 ||
        rate_level_init(module) < 0 || gate_ops_init() < 0 || access_gate_init(module) < 0 ||
        rate_gate_init(module) < 0 || route_plan_init(module) < 0 ||
        route_gate_init() < 0 || balance_gate_init() < 0 || times_init(module) < 0 ||
        deadline_gate_init() < 0 || stress_gate_init() < 0 || course_init(module) < 0 ||
        flow_module_init(module) < 0) {
        return -1;
    }
    return open_call_init(module);
}
