/* The body of a reply on its way to the client, while the application makes it. With the GIL. */
#ifndef PIE_HTTP_DELIVER_H
#define PIE_HTTP_DELIVER_H

#include "http/exchange.h"

/* Sends a part of the body: at once, for the application may be long in making the next one. -1 with an
 * exception set; a client that is gone is none, but `gone`. */
int deliver_part(Exchange *exchange, PyObject *data);

/* Sends what an application returned. -1 with an exception set. */
int deliver_body(Exchange *exchange, PyObject *body);

/* Closes what an application returned, whatever became of it. Likewise. */
int deliver_end(PyObject *body);

int deliver_init(void);

#endif
