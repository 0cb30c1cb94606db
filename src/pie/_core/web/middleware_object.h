/* What a middleware is made of. */
#ifndef PIE_WEB_MIDDLEWARE_OBJECT_H
#define PIE_WEB_MIDDLEWARE_OBJECT_H

#include "base/core.h"

/* A pie.web.native_hooks.MiddlewarePlan. */
typedef struct {
    PyObject *course;
    PyObject *psm, *cluster, *addressee;
    PyObject *trusted, *query;
    PyObject *twin, *call_of, *app_for;
} MiddlewarePlan;

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    MiddlewarePlan plan;
    PyObject *app;
    PyObject *method; /* NULL = the verb */
    PyObject *dict, *references;
} Middleware;

#endif
