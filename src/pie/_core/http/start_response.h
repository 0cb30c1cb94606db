/* The `start_response` that an application is given, and the `write` that it returns (PEP 3333). */
#ifndef PIE_HTTP_START_RESPONSE_H
#define PIE_HTTP_START_RESPONSE_H

#include "http/exchange.h"

/* A new reference; NULL with an exception set. */
PyObject *start_response_new(Exchange *exchange);
/* Its exchange is over: an application that kept it can do no harm. */
void start_response_end(PyObject *start_response);

int start_response_init(void);

#endif
