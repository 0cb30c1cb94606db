/* A request out and its reply in, on one connection. */
#ifndef PIE_EXCHANGE_H
#define PIE_EXCHANGE_H

#include "frame/frame.h"

typedef enum {
    EXCHANGE_DONE,
    /* Those that Python ends are pie.rpc.client.exclusive.ExchangeEnd: */
    EXCHANGE_NOT_SENT,    /* sending failed: the kernel did not take the whole request */
    EXCHANGE_LATE_TO_SEND, /* the deadline passed before it did */
    EXCHANGE_LATE,        /* the deadline passed before the reply was here */
    EXCHANGE_CLOSED,      /* the peer closed before it */
    EXCHANGE_FAILED,      /* receiving failed */
    EXCHANGE_ODD,         /* no frame that C knows: the twin reads on, or raises the error */
    EXCHANGE_NO_MEMORY,
    EXCHANGE_RAISED,      /* the handler of a signal raised: the exception is set */
} ExchangeEnd;

/* Sends `request` and reads one frame into `reply` (empty before), until `deadline` (monotonic
 * seconds; NAN = none). With `view` NULL no reply is expected. `error` gets the errno. Releases the
 * GIL meanwhile. */
ExchangeEnd exchange(int fd, const Buffer *request, Buffer *reply, double deadline, FrameView *view,
                     int *error);

void exchange_init(void);

/* Whether something is there to be read, be it the end. */
bool exchange_is_readable(int fd);

#endif
