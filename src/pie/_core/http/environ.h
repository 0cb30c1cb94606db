/* The WSGI environ of a request (PEP 3333). Needs the GIL. */
#ifndef PIE_ENVIRON_H
#define PIE_ENVIRON_H

#include "http/forwarded.h"
#include "http/request_head.h"

/* What is the same in all environs of a server. */
typedef struct {
    PyObject *fixed;   /* dict of what each begins with */
    bool server_named; /* it has SERVER_NAME and SERVER_PORT; else they come from the request's host */
} EnvironBase;

/* What only the server knows of a request. */
typedef struct {
    const char *peer;           /* "10.1.2.3:4711", "[::1]:4711", or "unix", which has no address */
    PyObject *input;            /* wsgi.input: it must end where the body ends */
    double received;            /* monotonic seconds: pie.received */
    int64_t body_size;          /* of a chunked body that is there: it becomes CONTENT_LENGTH; or -1 */
    const Forwarded *forwarded; /* NULL: the peer is not trusted, or no proxy */
} EnvironOrigin;

/* `fixed` has everything that is the same for all: wsgi.version, wsgi.url_scheme ("http"), wsgi.errors,
 * wsgi.multithread, wsgi.multiprocess, wsgi.run_once, wsgi.input_terminated, wsgi.file_wrapper,
 * SCRIPT_NAME, SERVER_SOFTWARE and, unless the listener is a unix socket, SERVER_NAME and SERVER_PORT. The
 * base keeps a copy. -1 with an exception set. */
int environ_base_init(EnvironBase *base, PyObject *fixed);
void environ_base_clear(EnvironBase *base);

/* A new environ; NULL with an exception set. `data` holds the bytes that the head was read from. */
PyObject *environ_new(const EnvironBase *base, const uint8_t *data, const RequestHead *head,
                      const EnvironOrigin *origin);

/* Makes what environs share: keys of common fields, common values. */
int environ_init(void);

#endif
