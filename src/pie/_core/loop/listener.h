/* Accepting connections. By the leader. */
#ifndef PIE_LISTENER_H
#define PIE_LISTENER_H

#include "loop/shared.h"

#define ACCEPTS_IN_A_ROW 64

/* Starts or stops watching the listener. -1 with errno set: it is no socket, or the system has no
 * room. */
int listener_watch(Loop *loop, bool on);

/* Accepts at most so many connections; false when the backlog is empty. */
bool listener_accept(Worker *worker, int most);

/* Accepts what is in the backlog, and nothing more from then on. */
void listener_close(Worker *worker);

#endif
