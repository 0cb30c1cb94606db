/* Route: to which endpoints an attempt may go. Twin: pie/govern/route/gate.py.
 *
 * Python makes a plan for the calls of a subject and a list of endpoints, C walks it. A call that is
 * pinned goes to the twin.
 */
#include "call/route_gate.h"

#include "call/gates.h"
#include "call/route_plan.h"
#include "call/ruled.h"

static PyObject *default_cluster;

/* Other endpoints are registered by now, or this client has its own. */
static bool is_of_others(PyObject *answer, const CallObject *call) {
    return ((RoutePlan *)answer)->candidates != call->candidates;
}

static void ask_for_cluster(CallObject *call) {
    if (PyUnicode_GET_LENGTH(call->asked_cluster) == 0) {
        bool named = PyUnicode_GET_LENGTH(call->callee_cluster) > 0;
        call_set(&call->asked_cluster, Py_NewRef(named ? call->callee_cluster : default_cluster));
    }
}

/* What was decided, on the call; the plan stays with its caller. */
static int follow(Ruled *ruled, const RoutePlan *plan, const Leaf *leaf, CallObject *call) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(leaf->notes); i++) {
        if (ruled_note(call, PyTuple_GET_ITEM(leaf->notes, i)) < 0) {
            return -1;
        }
    }
    call_set(&call->callee_cluster, Py_NewRef(leaf->cluster));
    call_set(&call->candidates, Py_NewRef(leaf->kept));
    return plan->tally == NULL ? 0 : counts_add(plan->tally, ROUTED, ruled->counted);
}

static int route_enter(GateOp *op, CallObject *call, double *delay) {
    bool pinned = PyUnicode_GET_LENGTH(call->pin) > 0;
    if (pinned || call->candidates == NULL || !PyTuple_CheckExact(call->candidates)) {
        return gate_enter_in_python(op, call);
    }
    ask_for_cluster(call);
    Ruled *ruled = (Ruled *)op->part;
    RoutePlan *plan =
        (RoutePlan *)ruled_answer(ruled, call, 0, &RoutePlan_Type, is_of_others);
    if (plan == NULL) {
        return -1;
    }
    const Leaf *leaf = route_plan_walk(plan, call);
    int done = leaf == NULL ? -1 : follow(ruled, plan, leaf, call);
    Py_DECREF(plan);
    return done;
}

static const GateKind route_gate = {"Route", &ruled_state, &Ruled_Type, route_enter, NULL};

int route_gate_init(void) {
    default_cluster = PyUnicode_InternFromString("default");
    return default_cluster == NULL ? -1 : gate_kind_add(&route_gate);
}
