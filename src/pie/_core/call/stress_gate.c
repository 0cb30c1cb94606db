/* Stress: normal traffic passes; what is of a class is seldom, and goes to the twin. */
#include "call/stress_gate.h"

#include "call/gates.h"

static int stress_enter(GateOp *op, CallObject *call, double *delay) {
    bool normal = PyUnicode_GET_LENGTH(call->traffic) == 0;
    return LIKELY(normal) ? 0 : gate_enter_in_python(op, call);
}

static const GateKind stress_gate = {"Stress", NULL, NULL, stress_enter, NULL};

int stress_gate_init(void) {
    return gate_kind_add(&stress_gate);
}
