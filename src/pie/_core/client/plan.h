/* What a lane keeps between calls. Python's side: pie/rpc/client/fast_path.py. */
#ifndef PIE_LANE_PLAN_H
#define PIE_LANE_PLAN_H

#include "frame/frame.h"
#include "server/method.h"

/* What Python keeps of a connection; base of pie.rpc.client.exclusive.ClientConnection. */
typedef struct {
    PyObject_HEAD
    int fd;
    long long sent; /* bytes, 1 for the handshake among them; -1 = not known */
    char used, reusable;
    double idle_since; /* monotonic seconds */
} ConnectionState;

extern PyTypeObject ConnectionState_Type;

/* How an endpoint is reached. */
typedef struct {
    PyObject *endpoint; /* NULL = this place is free */
    PyObject *instance; /* pie.rpc.client.exclusive_pool.InstancePool; None = only the twin can */
    Transport transport;
    Protocol protocol;
    double asked; /* monotonic seconds */
} Port;

#define PORTS 16

/* What is true of a client until its process is set up anew or its file changes. */
typedef struct {
    PyObject_HEAD
    bool usable;   /* calls may take the lane */
    bool answered; /* something came back before */
    PyObject *runtime, *bound, *course;
    PyObject *source; /* a tuple of endpoints, or the View that has them */
    PyObject *note;   /* NULL = none */
    PyObject *caller, *caller_cluster, *callee, *callee_cluster, *host, *pin;
    double timeout; /* seconds for a call with all its attempts */
    double next_look; /* at the file: monotonic seconds */
    Py_ssize_t max_idle;
    double idle_seconds, look_after;
    Port ports[PORTS]; /* by the endpoint's place in memory */
} Plan;

/* From the tuple that pie.rpc.client.fast_path.plan gives; NULL with an exception set. */
Plan *plan_of(PyObject *told);

/* The methods of a service, for all its clients. */
typedef struct {
    PyObject_HEAD
    MethodTable table;
    PyObject *by_name;  /* name → index */
    PyObject **clients; /* by index: what Base says of the client program */
} ClientMethods;

extern PyTypeObject ClientMethods_Type;

PyObject *client_methods(PyObject *module, PyObject *plans);

int lane_plan_init(void);

#endif
