/* Which thread of a loop leads. */
#include "loop/leader.h"

#include <errno.h>

#include "loop/arrivals.h"
#include "loop/outbox.h"

#define WATCH_NS 1000000    /* a handler that runs longer takes longer than expected */
#define WATCH_IDLE_TICKS 50 /* without a request, and the watchdog sleeps */

static uint64_t led(uint64_t turn, Phase phase) {
    return turn << 2 | phase;
}

bool leader_is_missing(const Loop *loop) {
    return (atomic_load(&loop->leadership) & 3) == PHASE_VACANT;
}

void leader_make(Loop *loop, Worker *worker) {
    worker->turn = (atomic_load(&loop->leadership) >> 2) + 1;
    worker->leading = true;
    atomic_store(&loop->leadership, led(worker->turn, PHASE_LEADING));
}

static void wake_watchdog(Loop *loop) {
    if (UNLIKELY(atomic_load(&loop->watchdog_asleep)) &&
        atomic_exchange(&loop->watchdog_asleep, false)) {
        sem_post(&loop->watchdog_wake);
    }
}

/* A parked thread leads from now on; if there is none, no thread does until one is done. Does
 * nothing if leadership is no longer `from`. */
static void pass_leadership(Loop *loop, unsigned long long from) {
    pthread_mutex_lock(&loop->mutex);
    unsigned long long vacant = led(from >> 2, PHASE_VACANT);
    bool passed = atomic_compare_exchange_strong(&loop->leadership, &from, vacant);
    Worker *next = passed ? loop->parked : NULL;
    if (next != NULL) {
        loop->parked = next->next_parked;
        atomic_fetch_sub(&loop->parked_count, 1);
        leader_make(loop, next);
        sem_post(&next->wake);
    } else if (passed) {
        atomic_store(&loop->vacant_since, monotonic_ns());
    }
    pthread_mutex_unlock(&loop->mutex);
    if (passed && next == NULL) {
        wake_watchdog(loop); /* It has waiting requests refused in time. */
    }
}

void leader_resign(Worker *worker) {
    worker->leading = false;
    pass_leadership(worker->loop, led(worker->turn, PHASE_LEADING));
}

void worker_enter_handler(Worker *worker, int64_t start_ns, bool slow) {
    Loop *loop = worker->loop;
    if (!worker->leading) {
        return;
    }
    if (slow) {
        outbox_flush(loop); /* There may be no other thread to do it. */
        leader_resign(worker);
        return;
    }
    atomic_store_explicit(&loop->handling_since, start_ns, memory_order_relaxed);
    atomic_fetch_add_explicit(&loop->handled, 1, memory_order_relaxed);
    atomic_store(&loop->leadership, led(worker->turn, PHASE_HANDLING));
    wake_watchdog(loop);
}

void worker_leave_handler(Worker *worker) {
    if (worker->leading) {
        unsigned long long handling = led(worker->turn, PHASE_HANDLING);
        worker->leading = atomic_compare_exchange_strong(&worker->loop->leadership, &handling,
                                                         led(worker->turn, PHASE_LEADING));
    }
}

/* Wakes the refuser when no thread has led for too long, or a drain is over: it refuses requests, and
 * cuts connections. */
static void wake_refuser(Loop *loop) {
    int64_t now = monotonic_ns(), limit = loop->limits.overload_ms * 1000000;
    bool cut = atomic_load(&loop->draining) && now / 1000000 > atomic_load(&loop->drain_end);
    if (!cut && now - atomic_load(&loop->vacant_since) < limit) {
        return;
    }
    pthread_mutex_lock(&loop->mutex);
    Worker *refuser = loop->refuser;
    if (refuser != NULL && leader_is_missing(loop)) {
        loop->refuser = NULL;
        leader_make(loop, refuser);
        sem_post(&refuser->wake);
    }
    pthread_mutex_unlock(&loop->mutex);
}

/* Takes leadership from a handler that takes long, sends what its thread had left in the outbox, and
 * passes leadership on. */
static void relieve(Loop *loop, unsigned long long from) {
    unsigned long long mine = led((from >> 2) + 1, PHASE_LEADING);
    pthread_mutex_lock(&loop->mutex);
    bool taken = atomic_compare_exchange_strong(&loop->leadership, &from, mine);
    pthread_mutex_unlock(&loop->mutex);
    if (taken) {
        outbox_flush(loop);
        pass_leadership(loop, mine);
    }
}

void *leader_watch(void *argument) {
    Loop *loop = argument;
    struct timespec tick = {.tv_nsec = WATCH_NS};
    unsigned long long before = 0;
    int idle = 0;
    while (!atomic_load(&loop->finished)) {
        nanosleep(&tick, NULL);
        unsigned long long seen = atomic_load(&loop->leadership);
        Phase phase = seen & 3;
        if (phase == PHASE_HANDLING) {
            if (monotonic_ns() - atomic_load(&loop->handling_since) > WATCH_NS) {
                relieve(loop, seen);
            }
        } else if (phase == PHASE_VACANT) {
            arrivals_note(loop);
            wake_refuser(loop);
        }
        unsigned long long handled = atomic_load(&loop->handled);
        idle = phase == PHASE_LEADING && handled == before ? idle + 1 : 0;
        before = handled;
        if (idle > WATCH_IDLE_TICKS) {
            atomic_store(&loop->watchdog_asleep, true);
            /* A leader that entered a handler just before saw it awake: look once more. */
            if ((atomic_load(&loop->leadership) & 3) == PHASE_LEADING) {
                while (sem_wait(&loop->watchdog_wake) < 0 && errno == EINTR) {
                }
            }
            atomic_store(&loop->watchdog_asleep, false);
            idle = 0;
        }
    }
    return NULL;
}
