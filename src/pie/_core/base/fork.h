/* What C does in a forked child. pie.model.fork calls `_native.after_fork` there, before the methods
 * that Python objects registered. */
#ifndef PIE_FORK_H
#define PIE_FORK_H

#include "base/core.h"

/* A descriptor that is this process's alone, such as an accepted connection: a forked child closes
 * its copy. Without the GIL as well. fork_disown comes before close(). */
void fork_own(int fd);
void fork_disown(int fd);

/* Forks between this process and the one that loaded the extension. */
extern unsigned fork_count;

/* Has a function called in every forked child; once, however often it is given. */
void fork_handler(void (*handler)(void));

/* `_native.after_fork()` */
PyObject *fork_run_handlers(PyObject *module, PyObject *nothing);

#endif
