/* `_native.HttpServer`: a WSGI application that a loop serves. */
#ifndef PIE_HTTP_SERVER_H
#define PIE_HTTP_SERVER_H

#include "base/core.h"

int http_server_init(PyObject *module);

#endif
