/* What rules say of a call, kept by who asks for what. Twin: RuleSet.holding (pie/govern/rules.py).
 *
 * A gate in Python makes a `Ruled` of itself. For the texts of a call that rules look at, which C has
 * not seen yet, it calls the gate's `answer(call, now)`, and keeps what that gives. The table is bounded,
 * because callers' and methods' names come from the wire.
 *
 * An answer is an object of C that begins with an AnswerHead. To add a gate that has rules: its type
 * of answers, which its Python gate makes in `answer`; and its GateKind with ruled_state for `state`
 * and Ruled_Type for `part_type`, whose `enter` begins with ruled_answer.
 */
#ifndef PIE_RULED_H
#define PIE_RULED_H

#include "base/named.h"
#include "call/call.h"

typedef struct {
    PyObject_HEAD
    bool passing; /* not to be kept: the next call asks again */
} AnswerHead;

typedef struct RuledSlot RuledSlot;

typedef struct {
    PyObject_HEAD
    PyObject *answer; /* of the gate: given a call and monotonic seconds, an answer */
    PyObject *refuse; /* of the gate: given a call and a ruling, raises the Failure */
    PyObject *counted; /* Verdicts.counted */
    RuledSlot *slots;
    size_t sets; /* of them: a power of two */
    unsigned turn;
} Ruled;

extern PyTypeObject Ruled_Type;

/* How native_state() of a gate is read: a NamedTuple with the one field `ruled`. */
extern NamedStruct ruled_state;

/* The answer for a call at a time, of the given type: a new reference; NULL with an exception set.
 * `is_over`, if it is given, says that an answer that was kept must not be used for the call. */
PyObject *ruled_answer(Ruled *ruled, CallObject *call, double now, PyTypeObject *type,
                       bool (*is_over)(PyObject *answer, const CallObject *call));

/* Raises the Failure of a refusal. Always -1. */
int ruled_refuse(Ruled *ruled, CallObject *call, PyObject *ruling);

/* Appends a text to call.notes. -1 with an exception set. */
int ruled_note(CallObject *call, PyObject *note);

int ruled_init(PyObject *module);

#endif
