/* `_native.Response`: the body of one answer, whose call ends with its last byte or when it is closed. */
#ifndef PIE_WEB_RESPONSE_H
#define PIE_WEB_RESPONSE_H

#include "web/response_object.h"

/* For a call that has not begun: its gates are entered by advancing `flow`. Takes no reference over. */
Response *response_new(CallObject *call, PyObject *course, PyObject *environ, PyObject *server_start);

/* Runs the application; what the server is to iterate, or NULL with an exception set. */
PyObject *response_answer(Response *response, PyObject *app, PyObject *wrap_file);

int response_init(PyObject *module);

#endif
