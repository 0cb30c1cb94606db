/* What a fast path keeps between calls: the plan of a client, and the methods of its service.
 * Python's side: pie/rpc/client/fast_path.py. */
#ifndef PIE_CLIENT_PLAN_H
#define PIE_CLIENT_PLAN_H

#include "codec/method.h"
#include "frame/frame.h"

/* How an endpoint is reached. */
typedef struct {
    /* Of pie.rpc.client.fast_path.Port: */
    PyObject *pool; /* pie.rpc.client.exclusive_pool.InstancePool; NULL = only the twin can */
    int transport, protocol; /* Transport, Protocol */
    PyObject *addressee; /* that requests name; empty = none */
    bool keeps_quiet;    /* it answers no oneway call */
    /* Beside it: */
    PyObject *endpoint; /* NULL = this slot is free */
    double made;        /* monotonic seconds */
} Port;

#define PORTS 16

/* What is true of a client until its process is set up anew or its file changes. */
typedef struct {
    PyObject_HEAD
    /* Of pie.rpc.client.fast_path.ClientPlan: */
    bool usable; /* calls may take the fast path */
    PyObject *bound, *course;
    PyObject *source; /* a tuple of endpoints, or the View that has them */
    PyObject *note;   /* NULL = none */
    PyObject *caller, *caller_cluster, *callee, *callee_cluster, *service, *host, *pin;
    double timeout, usual_timeout; /* seconds for a call with all its attempts; NAN = none */
    double next_look; /* at the file: monotonic seconds */
    Py_ssize_t max_idle;
    double idle_seconds, look_after;
    /* Beside it: */
    unsigned generation; /* of plans, when this one was made */
    bool answered; /* something came back before */
    Port ports[PORTS]; /* by the address of the endpoint */
} ClientPlan;

/* Makes a plan of a pie.rpc.client.fast_path.ClientPlan; NULL with an exception set. */
ClientPlan *plan_make(PyObject *from, unsigned generation);

/* Plans of an older generation are made anew: the process was set up anew, or is a forked child. */
unsigned plan_generation(void);

/* The port of an endpoint, if it was made at most `patience` seconds before `now`; else NULL. */
const Port *plan_port(const ClientPlan *plan, PyObject *endpoint, double now, double patience);

/* Keeps a pie.rpc.client.fast_path.Port, and gives it as it is kept: borrowed. NULL with an
 * exception set. */
const Port *plan_set_port(ClientPlan *plan, PyObject *endpoint, double now, PyObject *from);

/* The methods of a service, for all its clients. */
typedef struct {
    PyObject_HEAD
    MethodTable table;
    PyObject *by_name; /* name → index */
} ClientMethods;

extern PyTypeObject ClientMethods_Type;

int plan_init(PyObject *module);

#endif
