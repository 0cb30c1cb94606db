/* The room of WSGI in the module: its types and functions. */
#include "web/web.h"

#include "web/hooks.h"
#include "web/in_flight.h"
#include "web/middleware.h"
#include "web/response.h"

static PyMethodDef functions[] = {
    {"setup_web", web_hooks_setup, METH_O, "Give C its WebHooks."},
    {"answering", in_flight_calls, METH_NOARGS,
     "The calls that WSGI applications of this process are answering, with identifiers of threads."},
    {NULL},
};

int web_init(PyObject *module) {
    in_flight_init();
    if (PyModule_AddFunctions(module, functions) < 0 || web_hooks_init() < 0 ||
        response_init(module) < 0) {
        return -1;
    }
    return middleware_init(module);
}
