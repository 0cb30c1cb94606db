/* Lists of gates in C. Twin: pie/call/gates.py.
 *
 * A gate whose class is known here, and that can be had in C as it was made (system clock, ...),
 * becomes an op; any other is called in Python, under the lock that its list shares with others.
 */
#ifndef PIE_GATES_H
#define PIE_GATES_H

#include "base/named.h"
#include "call/passage.h"

typedef struct GateOp GateOp;

#define GATE_NUMBERS 3

/* A class of gates in C. To add one: write it, have its room add it with gate_kind_add, and let its Python
 * module call `native.setup_gate(name, cls)`. Its Python gate has a method native_state(): None = this
 * one must be asked in Python, else a NamedTuple with the fields of `state`, or () without one. */
typedef struct {
    const char *name;
    NamedStruct *state;      /* how native_state() is read into op->part, op->text, op->number; NULL = not */
    PyTypeObject *part_type; /* what op->part must be, if it is there; NULL = anything */
    /* 0 or -1. The driver waits the seconds put into `delay`, which is 0 before. NULL = nothing to do. */
    int (*enter)(GateOp *op, CallObject *call, double *delay);
    int (*leave)(GateOp *op, CallObject *call);
} GateKind;

struct GateOp {
    const GateKind *kind;
    PyObject *gate; /* the Python gate: owned */
    PyObject *part; /* owned, or NULL */
    PyObject *text; /* the same */
    double number[GATE_NUMBERS];
};

/* Makes a gate known. -1 with an exception set. */
int gate_kind_add(const GateKind *kind);

extern PyTypeObject GateList_Type;

/* Begins the way of a call through a list as it stands now. Nothing is entered yet. -1 = error. */
int passage_start(Passage *passage, PyObject *gates, CallObject *call);

/* Enters what is not entered yet. 0 = inside; 1 = wait `*delay` seconds, then come again; -1 =
 * rejected: what was entered is still to be left. */
int passage_enter(Passage *passage, double *delay);

/* Notes that the gate entered last rejects the call: its delay is longer than can be. */
void passage_reject(const Passage *passage);

/* Leaves every entered gate, in reverse, and is no passage any more. No exception may be set. -1 =
 * the first error of a gate, after all have been left. Inside a gate of the same lock: the passage is
 * left when that one ends. */
int passage_leave(Passage *passage);

/* Enters the Python gate: for a case that C leaves to it, or to raise the Failure of a rejection. */
int gate_enter_in_python(GateOp *op, CallObject *call);

int gates_init(PyObject *module);

#endif
