/* The methods of a service, as the server needs them; and where Base and BaseResp are in what they
 * take and return. Twins: pie/thrift/{service,base}.py. */
#ifndef PIE_METHOD_H
#define PIE_METHOD_H

#include "call/call.h"
#include "codec/codec.h"

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
} BasePlace;

/* The BaseResp of a response. */
typedef struct {
    PyTypeObject *owner;
    Py_ssize_t owner_slot;
    PyTypeObject *cls;
    Py_ssize_t message, code, extra;
} RespPlace;

typedef struct {
    PyObject *description; /* pie.thrift.Method */
    PyObject *name;        /* on the wire */
    PyObject *attr;        /* of the handler */
    const char *utf8;
    Py_ssize_t utf8_size;
    Program *args, *result; /* result NULL = oneway */
    PyObject *result_cls;
    int arg_count, result_count;
    int success; /* order number of the value among the result's fields; -1 = void */
    BasePlace *bases;
    int base_count;
    RespPlace *resp; /* NULL = the response has no place for one */
    int64_t average_ns; /* of a call, moving */
} Method;

typedef struct {
    Method *methods;
    int count;
    unsigned mask;  /* of the table */
    int16_t *table; /* by hash of the name: index, or -1 */
} MethodTable;

/* From a list of (Method, bases, resp), see pie.rpc.server.leader. -1 with an exception set. */
int methods_open(MethodTable *table, PyObject *plans);
void methods_close(MethodTable *table);
int methods_visit(MethodTable *table, visitproc visit, void *arg);

Method *method_find(const MethodTable *table, const char *name, size_t size);

/* Fills a call from the first Base that was sent among the arguments. -1 with an exception set. */
int base_read(const Method *method, PyObject *const *arguments, CallObject *call);
/* Says success in a response that says nothing, and takes a business status from one that does.
 * -1 with an exception set. */
int resp_fill(const Method *method, PyObject *value, CallObject *call);

#endif
