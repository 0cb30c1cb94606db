/* The call log: finished calls become counts, rows and lines. Twin: pie/observe/record/call_log.py. */
#ifndef PIE_CALL_LOG_H
#define PIE_CALL_LOG_H

#include "call/call.h"

extern PyTypeObject CallLog_Type;

/* A call is on its way; no more. */
void call_log_enter(PyObject *log, CallObject *call);
void call_log_leave(PyObject *log, CallObject *call);

/* Counts a finished call and writes it down. -1 with an exception set. */
int call_log_record(PyObject *log, CallObject *call);

int call_log_init(PyObject *module);

#endif
