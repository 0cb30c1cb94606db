/* Requests whose handlers run on an asyncio loop. Twin: pie/rpc/server/coroutines.py. */
#ifndef PIE_PENDING_H
#define PIE_PENDING_H

#include "server/server_object.h"

/* Starts the handler; its end answers the request. -1 with an exception set. */
int pending_start(Request *request, PyObject *const *arguments);

/* Appends the calls of all requests whose handlers run to a list; -1 with an exception set. */
int pending_calls(PyObject *list);

int pending_init(PyObject *module);

#endif
