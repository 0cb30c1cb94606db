/* What C does in a forked child; see fork.h. */
#include "base/fork.h"

#include <stdatomic.h>
#include <unistd.h>

#define MOST 8
#define DESCRIPTORS (1 << 20) /* what Linux allows a process, unless it was raised */
#define WORD (8 * sizeof(unsigned long))

unsigned fork_count;
static void (*handlers[MOST])(void);
static int handler_count;
static atomic_ulong owned[DESCRIPTORS / WORD]; /* a bit for each; pages that are not used cost nothing */

void fork_own(int fd) {
    if (fd >= 0 && fd < DESCRIPTORS) {
        atomic_fetch_or(&owned[fd / WORD], 1UL << fd % WORD);
    }
}

void fork_disown(int fd) {
    if (fd >= 0 && fd < DESCRIPTORS) {
        atomic_fetch_and(&owned[fd / WORD], ~(1UL << fd % WORD));
    }
}

static void close_owned(void) {
    for (size_t i = 0; i < DESCRIPTORS / WORD; i++) {
        unsigned long bits = atomic_load_explicit(&owned[i], memory_order_relaxed);
        if (bits == 0) {
            continue;
        }
        for (size_t bit = 0; bit < WORD; bit++) {
            if (bits >> bit & 1) {
                close((int)(i * WORD + bit));
            }
        }
        atomic_store(&owned[i], 0);
    }
}

void fork_handler(void (*handler)(void)) {
    for (int i = 0; i < handler_count; i++) {
        if (handlers[i] == handler) {
            return;
        }
    }
    if (handler_count == MOST) {
        Py_FatalError("more fork handlers than MOST in base/fork.c");
    }
    handlers[handler_count++] = handler;
}

PyObject *fork_run_handlers(PyObject *module, PyObject *nothing) {
    fork_count++;
    close_owned();
    for (int i = 0; i < handler_count; i++) {
        handlers[i]();
    }
    Py_RETURN_NONE;
}
