/* The end of a response and of its call. */
#ifndef PIE_WEB_RESPONSE_END_H
#define PIE_WEB_RESPONSE_END_H

#include "web/response_object.h"

/* The call ends, once. No exception may be set; -1 with one set if the outcome could not be told. */
int response_end(Response *response);

/* The application raised: takes over the error. The bytes that answer it, counted; NULL with an
 * exception set for the server. */
PyObject *response_failed(Response *response, PyObject *error);

/* The server has sent the body, or given up on it. -1 with an exception set. */
int response_close(Response *response);

#endif
