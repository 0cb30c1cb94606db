/* The room of HTTP in the module. */
#ifndef PIE_HTTP_INIT_H
#define PIE_HTTP_INIT_H

#include "base/core.h"

int http_init(PyObject *module);

#endif
