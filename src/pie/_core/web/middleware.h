/* `_native.Middleware`: a WSGI application whose every request is a Call. */
#ifndef PIE_WEB_MIDDLEWARE_H
#define PIE_WEB_MIDDLEWARE_H

#include "base/core.h"

int middleware_init(PyObject *module);

#endif
