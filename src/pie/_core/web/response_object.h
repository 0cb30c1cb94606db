/* The answer to one request, on its way from the application to the server. */
#ifndef PIE_WEB_RESPONSE_OBJECT_H
#define PIE_WEB_RESPONSE_OBJECT_H

#include "call/flow.h"

typedef struct Response Response;

/* Attributes: see pie.web.unusual.Answering. All references are owned; NULL = None. */
struct Response {
    PyObject_HEAD
    CallObject *call;
    Flow flow;
    PyObject *environ;
    PyObject *server_start; /* the server's start_response */
    PyObject *server_write; /* what that returned */
    PyObject *input;        /* the body of the request, if it has one */
    PyObject *body;         /* what the application returned */
    PyObject *chunks;       /* its iterator; NULL = nothing more comes */
    PyObject *error, *late;
    Py_ssize_t length; /* Content-Length of the answer; -1 = not known */
    int process;       /* in which the request came */
    bool started, done;
    unsigned long thread;   /* that worked on it last */
    Response *next, **link; /* of all that are not done */
};

/* The process that runs this, without a system call. */
extern int this_process;

/* Whether this is a child that the application forked. */
static inline bool response_is_copy(const Response *response) {
    return UNLIKELY(this_process != response->process);
}

#endif
