/* What the files of the call log share. */
#ifndef PIE_CALL_LOG_OBJECT_H
#define PIE_CALL_LOG_OBJECT_H

#include "record/aggregate.h"
#include "record/budget.h"
#include "record/line.h"
#include "record/ring.h"
#include "record/row.h"

#define STAMP 19 /* "2017-04-18 11:17:44" */
#define AGGREGATES 4

enum { CALLS, SERVED, ASKED, RINGS };

typedef struct {
    PyObject_HEAD
    PyObject *make_stamp, *wake, *prepare;
    ProcessTexts process;
    Row row;
    LineParts line;
    Budget budget;
    Aggregate aggregates[AGGREGATES];
    int aggregate_count;
    Ring rings[RINGS];
    int64_t lost; /* for want of memory */
    int64_t serving, asking;
    int64_t second; /* of the stamp */
    char stamp[STAMP];
    bool woken;    /* since the writer took something */
    bool prepared; /* `prepare` was called in this process */
} CallLog;

#endif
