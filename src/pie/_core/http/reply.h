/* A reply as bytes: its head, and the parts of its body. With the GIL. */
#ifndef PIE_HTTP_REPLY_H
#define PIE_HTTP_REPLY_H

#include "http/exchange.h"

/* Takes over status and fields of the application. -1 with an exception set: they are no header of a
 * reply. */
int exchange_start(Exchange *exchange, PyObject *status, PyObject *headers);

/* Adds a part of the body to the worker's `out`, behind the head if this is the first. `last` = it is
 * known that none follows. -1 with an exception set. */
int exchange_add(Exchange *exchange, const uint8_t *data, size_t size, bool last);

/* The head alone, for a body that is sent apart; `size` = of that body. -1 with an exception set. */
int exchange_head(Exchange *exchange, size_t size);

/* Ends the body. False: it is shorter than its Content-Length, so the connection must end. */
bool exchange_end(Exchange *exchange);

#endif
