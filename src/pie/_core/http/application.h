/* A request answered by a WSGI application. */
#ifndef PIE_HTTP_APPLICATION_H
#define PIE_HTTP_APPLICATION_H

#include "http/exchange.h"

/* What the application reads: of `size` bytes, in memory or, where `file` is not -1, in a file, which is
 * the application's from now on. */
typedef struct {
    const uint8_t *data;
    uint64_t size;
    int file;
} Input;

/* Runs the application; the reply, or what has not been sent of it, goes into the worker's `out`. Called
 * without the GIL. */
Answer application_answer(Exchange *exchange, const Input *input, double received);

#endif
