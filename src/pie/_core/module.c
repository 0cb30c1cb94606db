/* The module `pie._core._native`: one extension, a room for each idea. */
#include "base/fork.h"
#include "base/named.h"
#include "call/call_init.h"
#include "client/fast_path.h"
#include "codec/codec.h"
#include "http/http_init.h"
#include "loop/loop_object.h"
#include "record/record_init.h"
#include "server/server.h"
#include "web/web.h"

static PyMethodDef functions[] = {
    {"contract", named_contract, METH_NOARGS,
     "The names that C reads of Python: {dotted name: {field: kind}}."},
    {"after_fork", fork_run_handlers, METH_NOARGS,
     "In a forked child: give up what belongs to the parent. pie.model.fork calls it."},
    {NULL},
};

static int fill(PyObject *module) {
    if (PyModule_AddFunctions(module, functions) < 0 || codec_init(module) < 0 ||
        call_init(module) < 0 || record_init(module) < 0 || loop_init(module) < 0) {
        return -1;
    }
    if (client_init(module) < 0 || server_init(module) < 0 || http_init(module) < 0) {
        return -1;
    }
    return web_init(module);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, fill},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_USED}, /* Its objects are guarded by the GIL alone. */
#endif
    {0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "pie._core._native",
    .m_doc = "The parts of Pie that every call passes through, in C.",
    .m_size = 0,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__native(void) {
    return PyModuleDef_Init(&definition);
}
