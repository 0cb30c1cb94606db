/* Which thread of a loop leads. No GIL needed. */
#ifndef PIE_LEADER_H
#define PIE_LEADER_H

#include "loop/shared.h"

bool leader_is_missing(const Loop *loop);
/* Under the loop's mutex, and only while the leader is missing or hands over. */
void leader_make(Loop *loop, Worker *worker);
/* A parked thread leads from now on; if there is none, the first thread that is done. By the
 * leader. */
void leader_resign(Worker *worker);
/* The watchdog's work, given the loop: takes leadership from a thread whose handler takes long,
 * without the GIL, which that handler may be holding; wakes the refuser when no thread leads. */
void *leader_watch(void *loop);

/* Called with the GIL around a handler; `slow` = it is known to be, so that another thread shall lead
 * meanwhile. */
void worker_enter_handler(Worker *worker, int64_t start_ns, bool slow);
void worker_leave_handler(Worker *worker);

#endif
