/* The path of a request, as records show it. Twin: pie/web/path.py, which also does what is unusual. */
#ifndef PIE_WEB_PATH_H
#define PIE_WEB_PATH_H

#include "base/core.h"

/* A new reference, or NULL with an exception set. `rule` says what is shown of a query string. */
PyObject *path_of(PyObject *environ, PyObject *rule);

#endif
