/* What the writer takes from a call log: the methods of _native.CallLog that do it. */
#ifndef PIE_CALL_LOG_TAKE_H
#define PIE_CALL_LOG_TAKE_H

#include "record/call_log_object.h"

PyObject *call_log_take(CallLog *self, PyObject *name);
PyObject *call_log_take_half(CallLog *self, PyObject *name);
PyObject *call_log_release_half(CallLog *self, PyObject *const *args, Py_ssize_t count);
PyObject *call_log_attach_halves(CallLog *self, PyObject *const *args, Py_ssize_t count);
PyObject *call_log_take_totals(CallLog *self, PyObject *const *args, Py_ssize_t count);
PyObject *call_log_attach(CallLog *self, PyObject *const *args, Py_ssize_t count);
PyObject *call_log_release(CallLog *self, PyObject *const *args, Py_ssize_t count);

#endif
