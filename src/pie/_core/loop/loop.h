/* The adaptive leader: many connections, many threads, one of which leads.
 *
 * The leader waits for readiness, reads, runs the handler and writes, all on its own stack. Before a
 * handler that is known to be slow it makes a parked thread the leader; when a handler takes longer
 * than expected, the watchdog does. So cheap handlers run at the speed of a single loop, and blocking
 * ones on as many threads as there may be. Twin: pie/rpc/server/threaded.py (a thread per
 * connection).
 */
#ifndef PIE_LOOP_H
#define PIE_LOOP_H

#include "loop/shared.h"

/* Opens a loop of which limits, hooks, speakers and owner are set: 0, or -1 with an OSError. `listener`
 * is not owned; `threads` = several will lead. */
int loop_open(Loop *loop, int listener, bool threads);
void loop_close(Loop *loop);

/* Works until the loop has finished: called with the GIL, by as many threads as the server
 * started. 0, or -1 with MemoryError. */
int loop_work(Loop *loop);
/* Serves what is ready and returns: for an event loop that watches `epoll`, and calls at times
 * besides. Called with the GIL, by one thread. False when the loop has finished. */
bool loop_turn(Worker *worker);
int worker_open(Worker *worker, Loop *loop); /* with the GIL, as the others */
void worker_close(Worker *worker);
/* Appends the calls that workers of this process are answering to a list; -1 with an exception. */
int workers_calls(PyObject *list);
/* Leads while all other threads are busy for too long; one thread runs it, beside the others. */
int loop_refuse(Loop *loop);

/* Accepts what is in the backlog, then nothing more; ends idle connections soon, and all of them
 * after `patience` ms. */
void loop_drain(Loop *loop, int64_t patience);

#endif
