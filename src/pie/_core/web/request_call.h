/* The call that a request is. Twin: call_of of pie/web/wsgi.py, which also reads unusual environs. */
#ifndef PIE_WEB_REQUEST_CALL_H
#define PIE_WEB_REQUEST_CALL_H

#include "call/call.h"
#include "web/middleware_object.h"

/* A new call; NULL with an exception set. */
CallObject *request_call(const MiddlewarePlan *plan, PyObject *environ);

#endif
