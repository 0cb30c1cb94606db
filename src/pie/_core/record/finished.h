/* A finished call as it is written down: numbers rounded, outcome named. */
#ifndef PIE_FINISHED_H
#define PIE_FINISHED_H

#include "base/buffer.h"
#include "call/call.h"

typedef struct {
    CallObject *call; /* borrowed */
    double ts;        /* Unix seconds of its start, to the microsecond */
    int64_t ts_us;    /* the same in microseconds; -1 = too large for that */
    int64_t duration_us;
    double ended;
    PyObject *outcome, *raised_by, *rule; /* exact str; owned */
    bool answered;                        /* "ok" or "business" */
} Finished;

/* -1 with an exception set when the call cannot be written down. May run Python. */
int finished_of(Finished *finished, CallObject *call);
/* To be asked right before it is written: what Python may have put into the call meanwhile is
 * refused with an exception set. */
int finished_check(const Finished *finished);
void finished_clear(Finished *finished);

/* --- finished_write.c. 0, or -1 = no memory (no exception is set). Run no Python. --- */

/* The parts of a row that are the process's, each with its comma: psm and cluster; env (where the
 * call has none); host and instance. */
typedef struct {
    Buffer service, env, host;
} RowParts;

/* The NDJSON row, as pie.observe.record.facts.CallRow. */
int finished_write_row(Buffer *out, const Finished *finished, const RowParts *parts, double weight);

/* The parts of a line that are the process's: " place host psm " and " process=1 thread=". */
typedef struct {
    Buffer place, process;
} LineParts;

/* The line of pie.observe.log.access. `stamp` is the date and time of the second it ended in. */
int finished_write_line(Buffer *out, const Finished *finished, const LineParts *parts,
                        const char stamp[19]);

int finished_init(void);

#endif
