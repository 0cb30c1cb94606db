/* The sets that connections of a loop are in: open, queued, ended. No GIL needed. */
#ifndef PIE_CONNECTIONS_H
#define PIE_CONNECTIONS_H

#include "loop/shared.h"

/* Puts a new connection among the open ones. */
void connections_add(Loop *loop, Connection *connection);
/* Takes it out again. */
void connections_remove(Loop *loop, Connection *connection);

/* Has a connection served although no event will name it. */
void connections_queue(Loop *loop, Connection *connection);
/* The connection queued first, or NULL. */
Connection *connections_next_queued(Loop *loop);

/* Keeps the memory of an ended connection until no event can name it. */
void connections_bury(Loop *loop, Connection *connection);
/* Frees that memory; by the leader, between two batches of events. */
void connections_free_buried(Loop *loop);

#endif
