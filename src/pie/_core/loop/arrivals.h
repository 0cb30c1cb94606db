/* When received bytes came to this machine, which may be long before a thread was free to read them. */
#ifndef PIE_ARRIVALS_H
#define PIE_ARRIVALS_H

#include "loop/shared.h"

/* Of the watchdog, while no thread leads: notes the time of what has come since its last look. Its
 * events stay for the next leader. */
void arrivals_note(Loop *loop);

/* Of a connection's owner, just before it receives: what was noted of the bytes that wait. */
void arrivals_take(Connection *connection);

/* Likewise, once it has received and nothing was noted: as the system knows it. */
void arrivals_ask(Connection *connection, size_t size);

/* When the message that begins so many bytes behind the front came (monotonic seconds). */
double arrivals_of(const Connection *connection, size_t at);

#endif
