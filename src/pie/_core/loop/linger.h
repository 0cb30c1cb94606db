/* The end of a connection after its last reply. */
#ifndef PIE_LINGER_H
#define PIE_LINGER_H

#include "loop/shared.h"

#define LINGER_MS 1000

/* From now on what the peer sends is dropped, until it ends the connection, or soon after it has got
 * the reply: to close while bytes wait unread would reset the connection, and the peer lose the
 * reply. By the owner, before it hands over the reply. */
void linger_begin(Connection *connection);

#endif
