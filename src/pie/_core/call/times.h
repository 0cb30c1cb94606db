/* The time-outs of calls by the rules in force. Twin: pie/govern/timeout.py. */
#ifndef PIE_TIMES_H
#define PIE_TIMES_H

#include "base/named.h"
#include "call/call.h"
#include "call/ruled.h"
#include "call/tally.h"

/* Seconds; NAN = not named. Notes may be NULL. */
typedef struct {
    double total, fallback, least, attempt, connect, reserve;
    PyObject *total_note, *fallback_note, *least_note;
    Counts *timeout_tally, *limits_tally; /* NULL = no rule of the kind holds */
} Times;

typedef struct {
    AnswerHead head;
    Times times;
} TimesAnswer;

extern PyTypeObject TimesAnswer_Type;

/* The time-out of a call; `*note` and `*raised` say where it is from and why it was raised, or are NULL. */
double times_of(const Times *times, const CallObject *call, PyObject **note, PyObject **raised);

/* Sets the time-outs of a call, its notes, and counts. -1 with an exception set. */
int times_take(const Times *times, CallObject *call, PyObject *counted);

int times_init(PyObject *module);

#endif
