/* Replies: from the end of a handler to bytes. Twin: pie/rpc/server/dispatch.py, which also writes
 * what is unusual: failures, declared exceptions, business codes. */
#ifndef PIE_SERVER_REPLY_H
#define PIE_SERVER_REPLY_H

#include "server/server_object.h"

#define METHOD_SLOW_NS 200000 /* a method that takes longer on average gets its thread to itself */

/* The end of a call whose handler has returned a value, or NULL with an exception set: the reply into
 * `out`, the gates left. False if the peer cannot be answered. */
bool reply_finish(Request *request, PyObject *value, Buffer *out);

/* The reply that carries a value. -1 with an exception set and nothing written. */
int reply_value(const Request *request, PyObject *value, Buffer *out);

/* The reply with the result that a gate gave to a call which had failed. False with a Failure set. */
bool reply_result(Request *request, Buffer *out);

/* The Failure that is set becomes the reply. False if the peer cannot be answered. */
bool reply_failure(const Request *request, Buffer *out);

/* Takes the reply off again if its caller waits for none. `before` is the size of `out` then. */
void reply_withhold(const Request *request, Buffer *out, size_t before);

/* Adds the bytes that the twin made; nothing for None. -1 with an exception set. */
int reply_add(Buffer *out, PyObject *bytes);

int reply_init(void);

#endif
