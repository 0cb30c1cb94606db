/* One request and its reply, while they are served. Twins: none; gunicorn's thread worker stands in. */
#ifndef PIE_HTTP_EXCHANGE_H
#define PIE_HTTP_EXCHANGE_H

#include "http/http_object.h"

/* How a client knows where the body of a reply ends. */
typedef enum {
    ENDS_BY_LENGTH,
    ENDS_BY_CHUNK,
    ENDS_BY_CLOSE, /* HTTP/1.0 */
    HAS_NO_BODY,   /* the reply to HEAD, 204, 304 */
} Ending;

typedef struct {
    HttpObject *server;
    Worker *worker;
    Connection *connection;
    const RequestHead *head;
    const uint8_t *bytes; /* of the head */
    PyObject *input;      /* wsgi.input, owned */
    /* The reply: */
    Buffer fields;      /* as the application set them, without those that the server sets */
    PyObject *status;   /* owned; NULL = start_response was not called */
    int code;
    int64_t length;     /* Content-Length; -1 = there is none */
    bool has_date, has_server;
    bool close;         /* the application wants no other request on this connection */
    bool keep_alive;
    bool begun;         /* its head is made */
    Ending ending;
    uint64_t sent;      /* bytes of the body */
    bool whole;         /* nothing more is to be sent */
    bool gone;          /* the peer is */
    bool taken;         /* the application has the connection: upgrade.h */
    PyObject *late_socket; /* owned; NULL = the client asks for no other protocol */
} Exchange;

#endif
