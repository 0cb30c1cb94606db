/* The machine's time: what time.monotonic() and time.time() return. */
#ifndef PIE_CLOCK_H
#define PIE_CLOCK_H

#include <time.h>

#include "base/core.h"

static inline int64_t clock_ns(clockid_t which) {
    struct timespec now;
    clock_gettime(which, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline int64_t monotonic_ns(void) {
    return clock_ns(CLOCK_MONOTONIC);
}

static inline int64_t monotonic_ms(void) {
    return monotonic_ns() / 1000000;
}

/* Seconds. */
static inline double monotonic_now(void) {
    return (double)monotonic_ns() / 1e9;
}

static inline double wall_now(void) {
    return (double)clock_ns(CLOCK_REALTIME) / 1e9;
}

#endif
