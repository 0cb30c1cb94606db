/* What C does in a forked child; see fork.h. */
#include "base/fork.h"

#define MOST 8

unsigned fork_count;
static void (*handlers[MOST])(void);
static int handler_count;

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
    for (int i = 0; i < handler_count; i++) {
        handlers[i]();
    }
    Py_RETURN_NONE;
}
