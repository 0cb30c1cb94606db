/* One connection: received bytes to its protocol, replies back. What its owner does with it, without
 * the GIL. */
#ifndef PIE_CONNECTION_H
#define PIE_CONNECTION_H

#include "loop/shared.h"

/* NULL when there is no memory. */
Connection *connection_new(Loop *loop, int fd, const char *peer);
/* Answers what is there, until nothing is. */
void connection_serve(Worker *worker, Connection *connection);
/* Lets the connection go before its reply is there, so that others may be served on it meanwhile:
 * `rest` was received behind the request. A reference is owed: connection_release. */
void connection_part(Worker *worker, Connection *connection, const uint8_t *rest, size_t size);
/* The message that has begun must be here in so many milliseconds. Its owner's. */
void connection_expect(Connection *connection, int64_t ms);
/* When the message being answered came (monotonic seconds). Its owner's. */
double connection_received(const Connection *connection);
/* Sends the worker's reply (`out`), if there is one: the leader's when it has served what is ready. */
void connection_hand_over(Worker *worker, Connection *connection);
/* Its socket, which is the caller's from now on; what is sent here goes nowhere. */
int connection_give_away(Connection *connection);
/* Closes; once. */
void connection_end(Connection *connection);
/* Ends connections until what they hold fits. False when the worker's own (NULL = none) is the one to
 * go, which it ends itself. */
bool connections_thin(Worker *worker, Connection *own);

#endif
