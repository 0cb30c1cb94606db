/* `_native.Server`: a Thrift server's loop as Python has it. Python's side of it:
 * pie/rpc/server/native_server.py. */
#ifndef PIE_SERVER_H
#define PIE_SERVER_H

#include "base/core.h"

/* Adds the server's types and functions to the module. */
int server_init(PyObject *module);

#endif
