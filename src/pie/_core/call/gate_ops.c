/* The gates that give a call its position in a chain. Twin: pie/observe/trace.py. */
#include "call/gate_ops.h"

#include "call/gates.h"
#include "call/logid.h"
#include "call/outcome.h"

static bool is_empty(PyObject *text) {
    return PyUnicode_GET_LENGTH(text) == 0;
}

/* --- trace --- */

static int give_span(CallObject *call) {
    PyObject *span = new_span_id();
    if (span == NULL) {
        return -1;
    }
    call_set(&call->wire_span_id, Py_NewRef(span));
    call_set(&call->span_id, span);
    return 0;
}

static int give_logid(GateOp *op, CallObject *call) {
    if (!is_empty(call->logid)) {
        return 0;
    }
    PyObject *logid = logid_from(op->part);
    if (logid == NULL) {
        return -1;
    }
    call_set(&call->logid, logid);
    return 0;
}

static PyObject *lane_key, *traffic_key; /* pie/model/persisted.py */

/* Whether something persists that Pie itself reads; -1 with an exception set. */
static int has_persisted(PyObject *persist) {
    if (LIKELY(persist == NULL || PyDict_GET_SIZE(persist) == 0)) {
        return 0;
    }
    int found = PyDict_Contains(persist, traffic_key);
    return found != 0 ? found : PyDict_Contains(persist, lane_key);
}

static int server_trace_enter(GateOp *op, CallObject *call, double *delay) {
    int persisted = has_persisted(call->persist);
    if (UNLIKELY(persisted != 0)) {
        return persisted < 0 ? -1 : gate_enter_in_python(op, call);
    }
    return give_logid(op, call) < 0 ? -1 : give_span(call);
}

/* call.persist = {**parent.persist, **call.persist} */
static int inherit_persist(CallObject *call, CallObject *parent) {
    if (parent->persist == NULL || PyDict_GET_SIZE(parent->persist) == 0) {
        return 0;
    }
    PyObject *merged = PyDict_Copy(parent->persist);
    if (merged == NULL) {
        return -1;
    }
    if (call->persist != NULL && PyDict_Update(merged, call->persist) < 0) {
        Py_DECREF(merged);
        return -1;
    }
    call_set(&call->persist, merged);
    return 0;
}

static void give_lane(PyObject *lane, CallObject *call) {
    if (is_empty(call->env) && !is_empty(lane)) {
        call_set(&call->env, Py_NewRef(lane));
    }
}

static int client_trace_enter(GateOp *op, CallObject *call, double *delay) {
    CallObject *parent = current_call_get();
    if (parent == NULL && PyErr_Occurred()) {
        return -1;
    }
    int persisted = has_persisted(call->persist);
    if (persisted == 0 && parent != NULL) {
        persisted = has_persisted(parent->persist);
    }
    if (UNLIKELY(persisted != 0)) {
        Py_XDECREF(parent);
        return persisted < 0 ? -1 : gate_enter_in_python(op, call);
    }
    if (give_span(call) < 0) {
        Py_XDECREF(parent);
        return -1;
    }
    if (parent == NULL) {
        give_lane(op->text, call);
        return give_logid(op, call);
    }
    call_set(&call->logid, Py_NewRef(parent->logid));
    call_set(&call->parent_id, Py_NewRef(parent->span_id));
    give_lane(parent->env, call);
    give_lane(op->text, call);
    int done = inherit_persist(call, parent);
    Py_DECREF(parent);
    return done;
}

/* --- the kinds --- */

static const NamedField trace_fields[] = {NAMED_AS(GateOp, part, "new_logid", CALLABLE),
                                          NAMED_AS(GateOp, text, "lane", TEXT), NAMED_END};
static NamedStruct trace_state = {"pie.observe.trace.NativeTrace", trace_fields};

static const GateKind server_trace_gate = {"ServerTrace", &trace_state, NULL, server_trace_enter, NULL};
static const GateKind client_trace_gate = {"ClientTrace", &trace_state, NULL, client_trace_enter, NULL};

int gate_ops_init(void) {
    lane_key = PyUnicode_InternFromString("PIE_LANE");
    traffic_key = PyUnicode_InternFromString("PIE_TRAFFIC");
    if (lane_key == NULL || traffic_key == NULL) {
        return -1;
    }
    return gate_kind_add(&server_trace_gate) < 0 ? -1 : gate_kind_add(&client_trace_gate);
}
