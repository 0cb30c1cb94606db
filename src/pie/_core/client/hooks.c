/* What the client's fast path gets of Python: functions and classes once, attributes by name. */
#include "client/hooks.h"

#include "base/named.h"

ClientHooks client_hooks;
ClientNames client_names;

static const NamedField hook_fields[] = {
    NAMED(ClientHooks, methods, CALLABLE),
    NAMED(ClientHooks, plan, CALLABLE),
    NAMED(ClientHooks, port, CALLABLE),
    NAMED(ClientHooks, twin, CALLABLE),
    NAMED(ClientHooks, unwritable, CALLABLE),
    NAMED(ClientHooks, read, CALLABLE),
    NAMED(ClientHooks, failed, CALLABLE),
    NAMED(ClientHooks, trace_id, CALLABLE),
    NAMED(ClientHooks, options, OBJECT),
    NAMED(ClientHooks, stale, CLASS),
    NAMED(ClientHooks, stale_note, TEXT),
    NAMED(ClientHooks, answer, CLASS),
    NAMED_END,
};
static const NamedField pool_fields[] = {
    NAMED(ClientNames, idle, NAME),      NAMED(ClientNames, waiting, NAME),
    NAMED(ClientNames, take, NAME),      NAMED(ClientNames, give_back, NAME),
    NAMED(ClientNames, discard, NAME),   NAMED_END,
};
static const NamedField connection_fields[] = {NAMED(ClientNames, conclude, NAME), NAMED_END};
static const NamedField view_fields[] = {
    NAMED(ClientNames, ready, NAME), NAMED(ClientNames, instances, NAME), NAMED_END};
static const NamedField answer_fields[] = {NAMED(ClientNames, get, NAME), NAMED_END};

static NamedStruct hooks_struct = {"pie.rpc.client.fast_path.FastPathHooks", hook_fields};
static NamedStruct used[] = {
    {"pie.rpc.client.exclusive_pool.InstancePool", pool_fields},
    {"pie.rpc.client.exclusive.ClientConnection", connection_fields},
    {"pie.state.registry.view.View", view_fields},
    {"pie.rpc.wire.conversation.Answer", answer_fields},
};

static PyObject *setup_fast_path(PyObject *module, PyObject *from) {
    return named_renew(&hooks_struct, from, &client_hooks, sizeof client_hooks) < 0
               ? NULL
               : Py_NewRef(Py_None);
}

static PyMethodDef functions[] = {
    {"setup_fast_path", setup_fast_path, METH_O, "Give the fast path its FastPathHooks."},
    {NULL},
};

int client_hooks_init(PyObject *module) {
    for (size_t i = 0; i < sizeof used / sizeof *used; i++) {
        if (named_add(&used[i]) < 0 || named_intern(&used[i], &client_names) < 0) {
            return -1;
        }
    }
    return named_add(&hooks_struct) < 0 ? -1 : PyModule_AddFunctions(module, functions);
}
