/* The machine's time, as time.monotonic() and time.time() tell it. Seconds. */
#ifndef PIE_CLOCK_H
#define PIE_CLOCK_H

#include <time.h>

#include "core.h"

static inline double clock_seconds(clockid_t which) {
    struct timespec now;
    clock_gettime(which, &now);
    return (double)((int64_t)now.tv_sec * 1000000000 + now.tv_nsec) / 1e9;
}

static inline double monotonic_now(void) {
    return clock_seconds(CLOCK_MONOTONIC);
}

static inline double wall_now(void) {
    return clock_seconds(CLOCK_REALTIME);
}

#endif
