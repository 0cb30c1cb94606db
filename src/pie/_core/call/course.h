/* What decides how calls of one kind run. Twin: PythonCourse of pie/call/course.py. */
#ifndef PIE_COURSE_H
#define PIE_COURSE_H

#include "base/core.h"

typedef struct {
    PyObject_HEAD
    PyObject *gates; /* a GateList; all references are owned */
    PyObject *clock;
    PyObject *attempt_gates; /* a GateList, or None: the call is its only attempt */
    PyObject *retry;         /* None = never */
    PyObject *on_attempt;    /* None = attempts are not reported */
    PyObject *references;
} Course;

extern PyTypeObject Course_Type;

int course_init(PyObject *module);

#endif
