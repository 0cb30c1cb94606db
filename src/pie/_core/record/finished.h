/* A finished call as it is written down: numbers rounded, outcome named. Twin:
 * pie/observe/record/finished.py. Its members are sources of rows (source.c). */
#ifndef PIE_FINISHED_H
#define PIE_FINISHED_H

#include "base/buffer.h"
#include "call/call.h"

/* What stands for a call that says nothing of it. Exact str. */
typedef struct {
    PyObject *env, *version;
} ProcessTexts;

typedef struct {
    CallObject *call; /* borrowed */
    double ts;        /* Unix seconds of its start, to the microsecond */
    int64_t ts_us;    /* the same in microseconds; -1 = too large for that */
    int64_t duration_us, queued_us;
    double ended;
    double weight;
    PyObject *outcome, *raised_by, *rule, *env, *version; /* exact str; owned */
    int64_t one, retries, failures, whole, sent;
} Finished;

/* -1 with an exception set when the call cannot be written down. May run Python. */
int finished_of(Finished *finished, CallObject *call, const ProcessTexts *process);
/* Call just before writing; rechecks fields that Python may have changed. -1 with an exception set. */
int finished_check(const Finished *finished);
void finished_clear(Finished *finished);

int finished_init(void);

#endif
