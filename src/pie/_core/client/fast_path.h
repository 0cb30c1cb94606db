/* The client's fast path: an ordinary call from its arguments to its value. Python's side of it:
 * pie/rpc/client/fast_path.py; twin: pie/rpc/client/channel.py, which also makes every call that is
 * unusual. */
#ifndef PIE_FAST_PATH_H
#define PIE_FAST_PATH_H

#include "base/core.h"

/* Adds the client's types and functions to the module. */
int client_init(PyObject *module);

#endif
