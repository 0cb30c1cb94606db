/* The methods of a service, and where Base and BaseResp are in what they take and return.
 * From pie.rpc.wire.native_methods; twins: pie/thrift/{service,wire/base}.py. */
#ifndef PIE_METHOD_H
#define PIE_METHOD_H

#include "codec/program.h"

/* A Base among the arguments, by offsets of slots; -1 = not there. */
typedef struct {
    int argument;            /* which of them holds it */
    PyTypeObject *owner;     /* the argument's class; NULL = it is the Base itself */
    Py_ssize_t owner_slot;
    PyTypeObject *cls;
    Py_ssize_t logid, caller, addr, client, extra;
    Py_ssize_t env;          /* TrafficEnv */
    PyTypeObject *env_cls;
    Py_ssize_t env_name;
} BaseSlots;

/* The BaseResp of a response. */
typedef struct {
    PyTypeObject *owner;
    Py_ssize_t owner_slot;
    PyTypeObject *cls;
    Py_ssize_t message, code, extra;
} RespSlots;

typedef struct {
    /* Of a MethodPlan: */
    PyObject *description;    /* pie.thrift.Method */
    PyObject *name;           /* on the wire */
    PyObject *attr;           /* of the handler */
    PyObject *client;         /* what Base names as the client program */
    PyTypeObject *args_cls;
    PyTypeObject *result_cls; /* NULL = oneway */
    bool has_value;           /* it returns one */
    PyObject *base_plans;     /* a list of BasePlans */
    PyObject *resp_plan;      /* a RespPlan; NULL = the response has none */
    /* Made of it: */
    const char *utf8;         /* the name */
    Py_ssize_t utf8_size;
    Program *args, *result;
    int arg_count, result_count;
    int success; /* order number of the value among the result's fields; -1 = void */
    BaseSlots *bases;
    int base_count;
    RespSlots *resp; /* NULL = the response has none */
    int64_t average_ns; /* of a call, moving */
} Method;

typedef struct {
    Method *methods;
    int count;
    unsigned mask;  /* of the table */
    int16_t *table; /* by hash of the name: index, or -1 */
} MethodTable;

/* From a list of MethodPlans. -1 with an exception set. */
int methods_open(MethodTable *table, PyObject *plans);
void methods_close(MethodTable *table);
int methods_visit(MethodTable *table, visitproc visit, void *arg);

/* NULL = the service has no method of this name. */
Method *method_find(const MethodTable *table, const char *name, size_t size);

int method_init(void);

#endif
