/* The responses that are on their way. */
#ifndef PIE_WEB_IN_FLIGHT_H
#define PIE_WEB_IN_FLIGHT_H

#include "web/response_object.h"

void in_flight_init(void);

void in_flight_add(Response *response);
/* Nothing if it is not among them. */
void in_flight_remove(Response *response);

/* `_native.answering()`: the calls of responses, with the identifiers of the threads that work on
 * them. */
PyObject *in_flight_calls(PyObject *module, PyObject *nothing);

#endif
