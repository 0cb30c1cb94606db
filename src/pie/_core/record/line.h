/* The human line of a finished call. Twin: pie/observe/log/{access,line}.py. */
#ifndef PIE_LINE_H
#define PIE_LINE_H

#include "record/finished.h"

/* The parts of a line that are the process's: " file:line host psm " and " process=1 thread=", and
 * the levels of failures: a dict of exact str, outcome to level; NULL or a missing one is ERROR. */
typedef struct {
    Buffer origin, process;
    PyObject *levels;
} LineParts;

/* Appends the line. `stamp` is the date and time of the second it ended in. 0, or -1 = no memory (no
 * exception is set). Runs no Python. */
int line_write(Buffer *out, const Finished *finished, const LineParts *parts, const char stamp[19]);

#endif
