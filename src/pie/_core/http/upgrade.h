/* A connection that an application takes over, to speak another protocol on it. With the GIL. */
#ifndef PIE_HTTP_UPGRADE_H
#define PIE_HTTP_UPGRADE_H

#include "http/exchange.h"

/* Puts a socket into the environ of a request that asks for another protocol. -1 with an exception set. */
int upgrade_offer(Exchange *exchange, PyObject *environ, PyObject *start_response);
/* The descriptor of the connection, which the loop has no longer. -1 with an exception set. */
int upgrade_take(Exchange *exchange);
/* The application has ended, and with it the connection, if it was taken. */
void upgrade_end(Exchange *exchange);

int upgrade_init(void);

#endif
