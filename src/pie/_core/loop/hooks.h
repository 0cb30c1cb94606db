/* What a loop tells its Python side. All but the last are called without the GIL. */
#ifndef PIE_HOOKS_H
#define PIE_HOOKS_H

#include "loop/shared.h"

/* A connection was closed, for max_connections are open. */
void tell_refused(Worker *worker, const char *peer);
/* accept() failed with this errno. */
void tell_cannot_accept(Worker *worker, int error);
/* A connection is closed, for all of them hold more than buffer_limit. */
void tell_crowded(Worker *worker, const char *peer, long long held);
/* Nothing more is accepted. */
void tell_backlog_served(Worker *worker);

/* With the GIL: starts one more thread if none is parked, so that there is one to pass leadership to. */
void keep_one_parked(Worker *worker);

#endif
