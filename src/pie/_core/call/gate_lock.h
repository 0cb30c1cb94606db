/* The one lock of all lists of gates that share state. Twin: PythonGateLock of pie/call/gates.py.
 *
 * A thread that is inside a gate holds it. What such a thread drops (a call whose last reference a gate
 * let go of, or the collector found) is left when its passage ends.
 */
#ifndef PIE_GATE_LOCK_H
#define PIE_GATE_LOCK_H

#include "call/passage.h"

typedef struct Dropped Dropped;

typedef struct {
    PyObject_HEAD
    PyThread_type_lock lock;
    unsigned long owner;      /* thread; 0 = nobody */
    Dropped *dropped;         /* passages to leave before the lock is released, in order */
} GateLock;

extern PyTypeObject GateLock_Type;

static inline bool gate_lock_is_mine(const GateLock *self) {
    return self->owner == PyThread_get_thread_ident();
}

/* Waits without heed of signals: a gate never waits, so this is short. -1 with an exception set: this
 * thread holds it already. */
int gate_lock_take(GateLock *self);

/* Leaves what was dropped meanwhile, then lets others in. An exception that is set stays. */
void gate_lock_release(GateLock *self);

/* Takes over a passage, to be left by `leave` before the lock is released. The thread holds the
 * lock. */
void gate_lock_defer(GateLock *self, Passage *passage, void (*leave)(Passage *));

int gate_lock_init(PyObject *module);

#endif
