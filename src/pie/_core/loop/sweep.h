/* Ending connections that are idle for too long, or too slow. By the leader. */
#ifndef PIE_SWEEP_H
#define PIE_SWEEP_H

#include "loop/shared.h"

/* `now`: monotonic milliseconds. While the loop drains, idle connections end soon; all of them end
 * after its last moment. */
void sweep(Loop *loop, int64_t now);

#endif
