/* What an environ says of the chain. Twin: take_chain of pie/web/headers.py, which also reads what is
 * unusual. */
#ifndef PIE_WEB_CHAIN_H
#define PIE_WEB_CHAIN_H

#include "call/call.h"

/* Reads it into a call. `address` is the peer's. -1 with an exception set. */
int chain_take(CallObject *call, PyObject *environ, PyObject *trusted, PyObject *address);

#endif
