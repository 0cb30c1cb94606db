#include "call_log.h"
PyTypeObject CallLog_Type = {PyVarObject_HEAD_INIT(NULL, 0).tp_name = "x"};
void call_log_enter(PyObject *log, CallObject *call) {}
void call_log_leave(PyObject *log, CallObject *call) {}
int call_log_record(PyObject *log, CallObject *call) { return 0; }
int call_log_init(PyObject *m) { return 0; }
