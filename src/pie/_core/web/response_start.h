/* What the application begins its answer with. */
#ifndef PIE_WEB_RESPONSE_START_H
#define PIE_WEB_RESPONSE_START_H

#include "web/response_object.h"

/* The start_response for the application: a new reference. */
PyObject *response_starter(Response *response);

#endif
