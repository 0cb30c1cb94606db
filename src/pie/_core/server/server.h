/* The server as its loop sees it: what it does with a frame, and what it is told. */
#ifndef PIE_SERVER_H
#define PIE_SERVER_H

#include "frame/frame.h"
#include "server/loop.h"

typedef enum {
    ANSWER_READY,  /* the reply, if there is one, is in the worker's `out` */
    ANSWER_PARTED, /* likewise, and the connection was let go: release it when that is sent */
    ANSWER_PENDING, /* it comes later, and then the connection is served on: pending.c */
    ANSWER_DAMAGED, /* hang up, and say what is wrong with the bytes */
    ANSWER_BROKEN, /* hang up */
} Answer;

/* Called without the GIL, like all of these. `data` begins with the frame. */
Answer server_answer(Worker *worker, Connection *connection, const uint8_t *data, size_t size,
                     const FrameView *view);
/* A transport that the twin speaks: it gets the socket, with what was received. */
void server_hand_over(Worker *worker, Connection *connection, const uint8_t *data, size_t size);
/* The bytes are no message, or too long a one. */
void server_complain(Worker *worker, Connection *connection, const uint8_t *data, size_t size);
void server_refused(Worker *worker, const char *peer);
void server_cannot_accept(Worker *worker, int error);
void server_backlog_served(Worker *worker);

/* Adds the server's types and functions to the module. */
int server_init(PyObject *module);

#endif
