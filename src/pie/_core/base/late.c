/* Objects of Python modules that import this extension: looked up at first use. */
#include "base/late.h"

PyObject *late(PyObject **cache, const char *module, const char *name) {
    if (LIKELY(*cache != NULL)) {
        return *cache;
    }
    PyObject *from = PyImport_ImportModule(module);
    if (from == NULL) {
        return NULL;
    }
    PyObject *found = PyObject_GetAttrString(from, name);
    Py_DECREF(from);
    if (*cache == NULL) { /* Importing runs Python: another thread may have been faster. */
        *cache = found;
    } else {
        Py_XDECREF(found);
    }
    return *cache;
}
