/* Writing to connections: at once, or when the leader has served what is ready. No GIL needed. */
#ifndef PIE_OUTBOX_H
#define PIE_OUTBOX_H

#include "loop/shared.h"

/* Sends a reply, or keeps what the socket does not take. Empties the buffer it was made in. */
void connection_send(Connection *connection, Buffer *reply);
/* Sends what the socket did not take before. */
void connection_flush(Connection *connection);
/* Whether replies are still to be made, or to be taken by its socket. */
bool connection_owes(const Connection *connection);
/* Shuts the socket: its owner, or the event that follows, ends it. */
void connection_hang_up(Connection *connection);
/* Drops a reference: the last one closes the socket. */
void connection_release(Connection *connection);

/* Keeps the leader's reply, `worker->out`, until the outbox is flushed: so peers are not woken one by
 * one, and replies to pipelined requests share a packet. */
void outbox_add(Worker *worker, Connection *connection);
/* Sends the replies that wait; by the leader, before it waits or passes leadership on. */
void outbox_flush(Loop *loop);

#endif
