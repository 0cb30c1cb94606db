/* Lists of gates in C. Twin: pie/call/gates.py.
 *
 * A gate whose class is known here, and that can be had in C as it was made (system clock, ...),
 * becomes an op; any other is asked in Python, under the lock of its list.
 */
#ifndef PIE_GATES_H
#define PIE_GATES_H

#include "call/call.h"

typedef struct GateOp GateOp;

/* A class of gates in C. To add one: write it, name it in the table of gates.c, and let its Python
 * module call `native.setup_gate(name, cls)`. */
typedef struct {
    const char *name;
    /* 1 = `op` does what `gate` does; 0 = this one must be asked in Python; -1 = error. May keep
     * one reference in op->part and three numbers. */
    int (*compile)(GateOp *op, PyObject *gate);
    /* 0 or -1. `delay` is 0 before; what is put there, the driver waits. NULL = nothing to do. */
    int (*enter)(GateOp *op, CallObject *call, double *delay);
    int (*leave)(GateOp *op, CallObject *call);
} GateKind;

struct GateOp {
    const GateKind *kind;
    PyObject *gate; /* the Python gate: owned */
    PyObject *part; /* owned, or NULL */
    double number[3];
};

extern const GateKind server_trace_gate, client_trace_gate, record_gate, server_deadline_gate,
    client_deadline_gate, route_gate, balance_gate;

extern PyTypeObject GateList_Type;

/* Begins the way of a call through a list as it stands now. Nothing is entered yet. -1 = error. */
int passage_start(Passage *passage, PyObject *gates, CallObject *call);

/* Enters what is not entered yet. 0 = inside; 1 = wait `*delay` seconds, then come again; -1 =
 * rejected: what was entered is still to be left. */
int passage_enter(Passage *passage, double *delay);

/* Leaves every entered gate, in reverse, and is no passage any more. No exception may be set. -1 =
 * the first error of a gate, after all have been left. */
int passage_leave(Passage *passage);

/* Ends a call that has its times: with `cause` (taken over) it fails first, then it leaves its
 * gates. 0 = it has its result; -1 = its Failure is set, or what is not for its caller: a
 * cancellation, the error of a gate. */
int passage_finish(Passage *passage, CallObject *call, PyObject *cause);

/* The Failure (pie.call.flow.too_long) of a call that would have to wait past its deadline is set;
 * always -1. */
int raise_too_long(CallObject *call, double delay);

/* For a gate in C whose own case ends here: the Python gate goes on, or says why not. */
int gate_enter_in_python(GateOp *op, CallObject *call);

/* gate.<name> is the clock of the machine (pie.model.SYSTEM_CLOCK). -1 = error. */
int gate_has_system_clock(PyObject *gate);

/* pie.model.SYSTEM_CLOCK; borrowed. */
PyObject *gates_system_clock(void);

#endif
