/* A client's connection as C and Python share it: base of pie.rpc.client.connection.Connection,
 * and twin of the ConnectionState there. */
#ifndef PIE_CONNECTION_STATE_H
#define PIE_CONNECTION_STATE_H

#include "base/core.h"

typedef struct {
    PyObject_HEAD
    int fd;
    long long sent; /* bytes, 1 for the handshake among them; -1 = not known */
    char used, reusable;
    double idle_since; /* monotonic seconds */
    PyObject *unanswered; /* a list of (seqid, method) of oneway calls; NULL = none */
} ConnectionState;

extern PyTypeObject ConnectionState_Type;

int connection_state_init(PyObject *module);

#endif
