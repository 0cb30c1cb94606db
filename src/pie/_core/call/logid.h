/* Names of chains and spans. Twin: pie/model/logid.py. */
#ifndef PIE_LOGID_H
#define PIE_LOGID_H

#include "base/core.h"

/* 16 hex digits, never all zero; new reference. */
PyObject *new_span_id(void);

/* What a gate's `new_logid` gives; quick where it is our own generator. New reference. */
PyObject *logid_from(PyObject *generator);

int logid_init(PyObject *module);

#endif
