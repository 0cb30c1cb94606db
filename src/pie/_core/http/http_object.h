/* An HTTP server and its requests: what the files that serve them share. */
#ifndef PIE_HTTP_OBJECT_H
#define PIE_HTTP_OBJECT_H

#include "http/chunks.h"
#include "http/environ.h"
#include "http/head.h"
#include "http/networks.h"
#include "loop/speaker.h"

/* A pie.web.server.native_http.HttpHooks: functions of its Python side. */
typedef struct {
    PyObject *complain; /* (peer, status, text): a request was refused */
    PyObject *failed;   /* (peer, verb, path, text, error or None): an application failed */
} HttpHooks;

#define VIEWS 256 /* kinds of requests whose duration is estimated; a power of two */

typedef struct {
    SpeakerObject speaks;
    /* Of a pie.web.server.native_http.HttpPlan: */
    PyObject *app;
    PyObject *fixed;      /* a dict: what is the same in all environs */
    PyObject *hooks_plan;
    PyObject *empty_input; /* () → wsgi.input of a request without a body */
    PyObject *bytes_input; /* (bytes) → wsgi.input */
    PyObject *file_input;  /* (descriptor) → wsgi.input, which owns it */
    PyTypeObject *file_wrapper; /* wsgi.file_wrapper */
    PyObject *late_socket; /* (start_response) → the socket of a connection that may be taken over */
    PyObject *trusted;    /* a tuple of networks */
    PyObject *spool;      /* folder of bodies that do not stay in memory */
    bool proxied;         /* trusted peers begin a connection with the PROXY protocol's header */
    size_t body_limit;    /* bytes */
    size_t memory_limit;  /* of a body; a larger one is spooled */
    int64_t idle_ms, head_ms, body_ms, write_ms;
    /* Made of it: */
    HttpHooks hooks;
    EnvironBase base;
    Networks networks;
    const char *spool_folder; /* of `spool` */
    bool has_base;
    int32_t views[VIEWS]; /* ns that an application takes, on average; under the GIL */
} HttpObject;

/* The body of a request, as it comes. */
typedef struct {
    Buffer memory;  /* its first bytes; empty once it is spooled */
    int file;       /* -1 = it is not */
    uint64_t size;  /* bytes so far */
    int64_t began;  /* ms */
} Body;

/* What is kept of a request that is not complete; a connection's `progress`. */
typedef struct {
    HeadScan scan;
    bool has_head, has_proxy;
    bool apart;       /* the head was copied, and the body is taken as it comes */
    double received;  /* monotonic seconds */
    RequestHead head;
    uint8_t *bytes;   /* of the head, owned, if `apart` */
    Chunks chunks;
    Body body;
} Partial;

#endif
