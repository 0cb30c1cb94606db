/* Base and BaseResp of a served call. Twin: pie/thrift/wire/base.py. */
#ifndef PIE_REQUEST_BASE_H
#define PIE_REQUEST_BASE_H

#include "call/call.h"
#include "codec/method.h"

/* Fills a call from the first Base that was sent among the arguments. -1 with an exception set. */
int base_read(const Method *method, PyObject *const *arguments, CallObject *call);

/* Fills a BaseResp in which nothing is set with success; takes the business status of one in which
 * something is. -1 with an exception set. */
int resp_fill(const Method *method, PyObject *value, CallObject *call);

#endif
