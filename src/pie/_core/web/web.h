/* The room of WSGI in the module. */
#ifndef PIE_WEB_H
#define PIE_WEB_H

#include "base/core.h"

int web_init(PyObject *module);

#endif
