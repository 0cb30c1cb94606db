/* Deadlines of calls served and made. Twin: pie/govern/deadline.py.
 *
 * A gate that is about to reject a call lets its twin do it, which raises the Failure.
 */
#include "call/deadline_gate.h"

#include "base/clock.h"
#include "base/readings.h"
#include "call/gates.h"
#include "call/outcome.h"
#include "call/ruled.h"
#include "call/times.h"

static int server_deadline_enter(GateOp *op, CallObject *call, double *delay) {
    if (isnan(call->timeout)) {
        return 0;
    }
    call->deadline = (call->received != 0 ? call->received : call->start) + call->timeout;
    return call->deadline <= monotonic_now() ? gate_enter_in_python(op, call) : 0;
}

static int note_inherited(CallObject *call, double left) {
    char text[64];
    PyOS_snprintf(text, sizeof text, "deadline inherited: %.0f ms left", left * 1000);
    PyObject *note = PyUnicode_FromString(text);
    int done = note == NULL ? -1 : ruled_note(call, note);
    Py_XDECREF(note);
    return done;
}

/* Gives the call its deadline; `counted` is NULL where no rule had a part in it. */
static int bound(GateOp *op, CallObject *call, const Times *times, PyObject *counted) {
    double now = reading_now();
    CallObject *parent = call->detached ? NULL : current_call_get();
    if (parent == NULL && PyErr_Occurred()) {
        return -1;
    }
    double inherited = parent == NULL ? NAN : parent->deadline - times->reserve;
    Py_XDECREF(parent);
    if (inherited <= now) {
        return gate_enter_in_python(op, call);
    }
    if (times_take(times, call, counted) < 0) {
        return -1;
    }
    call->deadline = now + call->timeout;
    if (inherited < call->deadline) {
        call->deadline = inherited;
        return note_inherited(call, inherited - now);
    }
    return 0;
}

enum { TIMEOUT };

static int client_deadline_enter(GateOp *op, CallObject *call, double *delay) {
    Ruled *ruled = (Ruled *)op->part;
    if (LIKELY(ruled == NULL)) {
        Times times = {
            .total = NAN, .fallback = op->number[TIMEOUT], .attempt = NAN, .connect = NAN};
        return bound(op, call, &times, NULL);
    }
    TimesAnswer *answer =
        (TimesAnswer *)ruled_answer(ruled, call, 0, &TimesAnswer_Type, NULL);
    if (answer == NULL) {
        return -1;
    }
    int done = bound(op, call, &answer->times, ruled->counted);
    Py_DECREF(answer);
    return done;
}

static const NamedField deadline_fields[] = {NAMED_AS_OR_NONE(GateOp, part, "ruled", OBJECT),
                                             NAMED_AS(GateOp, number[TIMEOUT], "timeout", NUMBER),
                                             NAMED_END};
static NamedStruct deadline_state = {"pie.govern.deadline.NativeDeadline", deadline_fields};

static const GateKind server_deadline_gate = {"ServerDeadline", NULL, NULL, server_deadline_enter, NULL};
static const GateKind client_deadline_gate = {"ClientDeadline", &deadline_state, &Ruled_Type,
                                              client_deadline_enter, NULL};

int deadline_gate_init(void) {
    return gate_kind_add(&server_deadline_gate) < 0 ? -1 : gate_kind_add(&client_deadline_gate);
}
