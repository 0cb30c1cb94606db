/* The course of a call. Twin: pie/call/flow.py.
 *
 * A driver advances a Flow, which answers with what to do next: wait, send an attempt, or nothing
 * more.
 */
#ifndef PIE_FLOW_H
#define PIE_FLOW_H

#include "call/course.h"
#include "call/gates.h"

typedef enum {
    FLOW_NEW,
    FLOW_WAITING,         /* a gate of the call asked for a delay */
    FLOW_SENT,            /* its only attempt is out */
    FLOW_ATTEMPT_WAITING, /* a gate of an attempt asked for a delay */
    FLOW_ATTEMPT_SENT,
    FLOW_RETRY_WAITING,
    FLOW_OVER,
} FlowState;

typedef struct {
    CallObject *call; /* all references are owned */
    Course *course;
    PyObject *candidates; /* as they were before the first attempt; NULL = () */
    Passage passage, attempt;
    FlowState state;
    bool busy;
    double delay;
} Flow;

typedef enum { STEP_SEND, STEP_WAIT, STEP_DONE, STEP_ERROR } Step;

/* -1 with an exception set if these are no call and course. */
int flow_init(Flow *flow, PyObject *call, PyObject *course);

/* Goes on: with the result of what was asked for, or, where `result` is NULL and an exception is
 * set, with that. `result` is borrowed; NULL without an exception is None. STEP_WAIT:
 * flow->delay. */
Step flow_advance(Flow *flow, PyObject *result);

/* As flow_advance, and waits here for as long as a delay is asked for (the GIL released): never
 * STEP_WAIT. */
Step flow_drive(Flow *flow, PyObject *result);

/* The first step of a call served on an asyncio loop, which may not wait here: a gate that asks for a
 * delay rejects the call. Never STEP_WAIT. */
Step flow_begin_at_once(Flow *flow);

/* Ends a flow that nobody will advance any more: its call is cancelled. Runs its gates. -1 with an
 * exception set when a gate broke. */
int flow_close(Flow *flow);

int flow_traverse(Flow *flow, visitproc visit, void *arg);
void flow_clear(Flow *flow);

int flow_module_init(PyObject *module);

#endif
