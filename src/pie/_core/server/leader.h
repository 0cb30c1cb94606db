/* Who leads a loop's threads, and who sees to it that somebody does. No GIL needed. */
#ifndef PIE_LEADER_H
#define PIE_LEADER_H

#include "server/loop.h"

bool leader_is_missing(const Loop *loop);
/* Under the loop's mutex, and only while the leader is missing or hands over. */
void leader_make(Loop *loop, Worker *worker);
/* A parked thread leads from now on; if there is none, whoever is done first. By the leader. */
void leader_resign(Worker *worker);
/* A thread's work, given the loop: takes leadership from whose handler takes long, without the GIL,
 * which the handler may be holding; wakes who refuses when nobody leads. */
void *leader_watch(void *loop);

#endif
