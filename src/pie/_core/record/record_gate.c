/* The gate that hands calls to the call log. */
#include "record/record_gate.h"

#include "call/gates.h"
#include "record/call_log.h"

static int enter(GateOp *op, CallObject *call, double *delay) {
    call_log_enter(op->part, call);
    return 0;
}

static int leave(GateOp *op, CallObject *call) {
    call_log_leave(op->part, call);
    return call_log_record(op->part, call);
}

static const NamedField state_fields[] = {NAMED_AS(GateOp, part, "log", OBJECT), NAMED_END};
static NamedStruct state = {"pie.observe.record.gate.NativeRecord", state_fields};
static const GateKind record_gate = {"Record", &state, &CallLog_Type, enter, leave};

int record_gate_init(void) {
    return gate_kind_add(&record_gate);
}
