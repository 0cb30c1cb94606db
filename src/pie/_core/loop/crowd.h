/* One bound for the bytes that wait in the connections of a loop: what was received of messages that
 * are not complete, and replies that peers have not read. Twin: pie/loop/crowd.py. */
#ifndef PIE_CROWD_H
#define PIE_CROWD_H

#include "loop/shared.h"

/* Call after `rest` changed; by the connection's owner. */
void crowd_count_rest(Connection *connection);
/* Call after `pending` changed; under `writing`. */
void crowd_count_pending(Connection *connection);
/* The connection's buffers are gone. */
void crowd_leave(Connection *connection);

/* Whether the connections of a loop hold too much. */
static inline bool crowd_is_too_large(const Loop *loop) {
    return atomic_load_explicit(&loop->held, memory_order_relaxed) +
               atomic_load_explicit(&loop->held_elsewhere, memory_order_relaxed) >
           (long long)loop->limits.buffer_limit;
}

/* Bytes that a connection holds. */
long long crowd_held(Connection *connection);
/* The connection that holds much and whose peer has not sent anything for long: `own` (NULL = none),
 * or one that nobody serves now, which is taken. NULL = none of these holds anything. */
Connection *crowd_heaviest(Loop *loop, Connection *own);

#endif
