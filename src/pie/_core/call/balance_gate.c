/* Balance: which of the endpoints that route left an attempt goes to. Twin: pie/govern/balance.py.
 *
 * What it sees is C's: tuples, and endpoints whose attributes run no Python. So it needs no lock
 * beside the GIL; a call without a candidate goes to the twin.
 */
#include "call/balance_gate.h"

#include "call/gates.h"
#include "call/weights.h"

/* Interned names of attributes of an endpoint. */
static struct EndpointNames {
    PyObject *id, *host, *port, *version;
} names;

static const NamedField endpoint_fields[] = {
    NAMED(struct EndpointNames, id, NAME),   NAMED(struct EndpointNames, host, NAME),
    NAMED(struct EndpointNames, port, NAME), NAMED(struct EndpointNames, version, NAME), NAMED_END,
};
static NamedStruct endpoint_struct = {"pie.model.endpoint.Endpoint", endpoint_fields};

/* --- what an endpoint is called --- */

#define CACHED 256 /* endpoints: few, and chosen again and again */

typedef struct {
    PyObject *endpoint, *id, *peer, *version;
} Known;

static Known cache[CACHED];

/* pie.model.address_of */
static PyObject *address_of(PyObject *endpoint) {
    PyObject *host = PyObject_GetAttr(endpoint, names.host);
    PyObject *port = host == NULL ? NULL : PyObject_GetAttr(endpoint, names.port);
    PyObject *made = NULL;
    long number = port == NULL ? -1 : PyLong_AsLong(port);
    if (number == 0) {
        made = Py_NewRef(host);
    } else if (number > 0 && PyUnicode_Check(host)) {
        bool bracketed = PyUnicode_FindChar(host, ':', 0, PyUnicode_GET_LENGTH(host), 1) >= 0;
        made = PyUnicode_FromFormat(bracketed ? "[%U]:%ld" : "%U:%ld", host, number);
    } else if (!PyErr_Occurred()) {
        PyErr_Format(PyExc_ValueError, "%R has no address", endpoint);
    }
    Py_XDECREF(host);
    Py_XDECREF(port);
    return made;
}

static void known_clear(Known *known) {
    Py_XDECREF(known->id);
    Py_XDECREF(known->peer);
    Py_XDECREF(known->version);
}

/* Reads what it is called into `known`, whose references are new; -1 with an exception set. */
static int describe(PyObject *endpoint, Known *known) {
    *known = (Known){endpoint, PyObject_GetAttr(endpoint, names.id)};
    known->peer = known->id == NULL ? NULL : address_of(endpoint);
    known->version = known->peer == NULL ? NULL : PyObject_GetAttr(endpoint, names.version);
    if (known->version != NULL && PyUnicode_Check(known->id) && PyUnicode_Check(known->peer) &&
        PyUnicode_CheckExact(known->version)) {
        return 0;
    }
    if (!PyErr_Occurred()) {
        PyErr_Format(PyExc_TypeError, "the id, host and version of %R must be text", endpoint);
    }
    known_clear(known);
    return -1;
}

/* Its id, address and version, new references in `known`; -1 with an exception set. */
static int look_up(PyObject *endpoint, Known *known) {
    Known *cached = &cache[((uintptr_t)endpoint >> 4) % CACHED];
    if (UNLIKELY(cached->endpoint != endpoint)) {
        Known found, before;
        if (describe(endpoint, &found) < 0) {
            return -1;
        }
        before = *cached;
        *cached = found;
        Py_INCREF(endpoint);
        Py_XDECREF(before.endpoint);
        known_clear(&before);
    }
    *known = (Known){endpoint, Py_NewRef(cached->id), Py_NewRef(cached->peer),
                     Py_NewRef(cached->version)};
    return 0;
}

/* --- balance --- */

/* Our calls in flight to an endpoint; -1 with an exception set. */
static long pending(PyObject *counts, PyObject *id) {
    PyObject *count = PyDict_GetItemWithError(counts, id);
    return count != NULL ? PyLong_AsLong(count) : PyErr_Occurred() ? -1 : 0;
}

static int set_pending(PyObject *counts, PyObject *id, long count) {
    if (count == 0) {
        return PyDict_DelItem(counts, id);
    }
    PyObject *number = PyLong_FromLong(count);
    int set = number == NULL ? -1 : PyDict_SetItem(counts, id, number);
    Py_XDECREF(number);
    return set;
}

/* The one of two endpoints that has fewer calls in flight for its weight; -1 with an exception set. */
static int choose_of_two(PyObject *counts, PyObject *candidates, Drawn drawn, Known *chosen) {
    Known one, other;
    if (look_up(PyTuple_GET_ITEM(candidates, drawn.first), &one) < 0) {
        return -1;
    }
    if (look_up(PyTuple_GET_ITEM(candidates, drawn.second), &other) < 0) {
        known_clear(&one);
        return -1;
    }
    double first_load = (double)pending(counts, one.id);
    double second_load = (double)pending(counts, other.id);
    bool swap = first_load * drawn.second_weight > second_load * drawn.first_weight;
    *chosen = swap ? other : one;
    known_clear(swap ? &one : &other);
    return PyErr_Occurred() ? -1 : 0;
}

static int choose_usual(PyObject *counts, PyObject *candidates, Known *chosen) {
    if (PyTuple_GET_SIZE(candidates) == 1) {
        return look_up(PyTuple_GET_ITEM(candidates, 0), chosen);
    }
    const Weights *weights = weights_kept(candidates);
    return weights == NULL ? -1 : choose_of_two(counts, candidates, weights_draw(weights), chosen);
}

/* Candidates that no earlier attempt of the call went to, or all if there are no others: a tuple. NULL
 * with an exception set. */
static PyObject *untried(PyObject *candidates, PyObject *tried) {
    PyObject *all = PySequence_Tuple(candidates);
    PyObject *left = all == NULL ? NULL : PyList_New(0);
    for (Py_ssize_t i = 0; left != NULL && i < PyTuple_GET_SIZE(all); i++) {
        PyObject *id = PyObject_GetAttr(PyTuple_GET_ITEM(all, i), names.id);
        int known = id == NULL ? -1 : tried == NULL ? 0 : PySequence_Contains(tried, id);
        Py_XDECREF(id);
        if (known < 0 || (known == 0 && PyList_Append(left, PyTuple_GET_ITEM(all, i)) < 0)) {
            Py_CLEAR(left);
        }
    }
    PyObject *found = left == NULL ? NULL : PyList_AsTuple(left);
    Py_XDECREF(left);
    if (found != NULL && PyTuple_GET_SIZE(found) == 0) {
        Py_SETREF(found, Py_NewRef(all));
    }
    Py_XDECREF(all);
    return found;
}

/* Of a list that is this call's alone. */
static int choose_untried(PyObject *counts, PyObject *candidates, PyObject *tried, Known *chosen) {
    PyObject *left = untried(candidates, tried);
    Weights weights = {0};
    int done = left == NULL ? -1 : 0;
    if (done == 0 && PyTuple_GET_SIZE(left) == 1) {
        done = look_up(PyTuple_GET_ITEM(left, 0), chosen);
    } else if (done == 0) {
        done = weights_make(&weights, left);
        done = done < 0 ? -1 : choose_of_two(counts, left, weights_draw(&weights), chosen);
    }
    weights_clear(&weights);
    Py_XDECREF(left);
    return done;
}

/* Counting is all done here, without a step of Python between looking and setting. */
static int balance_enter(GateOp *op, CallObject *call, double *delay) {
    PyObject *candidates = call->candidates;
    if (candidates == NULL || PySequence_Size(candidates) < 1) {
        return PyErr_Occurred() ? -1 : gate_enter_in_python(op, call); /* It raises the error. */
    }
    bool usual = PyTuple_CheckExact(candidates) &&
                 (call->tried == NULL ||
                  (PyTuple_CheckExact(call->tried) && PyTuple_GET_SIZE(call->tried) == 0));
    Known chosen;
    Py_INCREF(candidates);
    int found = LIKELY(usual) ? choose_usual(op->part, candidates, &chosen)
                              : choose_untried(op->part, candidates, call->tried, &chosen);
    Py_DECREF(candidates);
    if (found < 0) {
        return -1;
    }
    Py_INCREF(chosen.endpoint);
    long before = pending(op->part, chosen.id);
    int counted = before < 0 ? -1 : set_pending(op->part, chosen.id, before + 1);
    Py_DECREF(chosen.id);
    if (counted < 0) {
        Py_DECREF(chosen.endpoint);
        Py_DECREF(chosen.peer);
        Py_DECREF(chosen.version);
        return -1;
    }
    call_set(&call->target, chosen.endpoint);
    call_set(&call->peer, chosen.peer);
    call_set(&call->version, chosen.version);
    return 0;
}

static int balance_leave(GateOp *op, CallObject *call) {
    if (call->target == NULL) {
        return 0;
    }
    PyObject *id = PyObject_GetAttr(call->target, names.id);
    if (id == NULL) {
        return -1;
    }
    long before = pending(op->part, id);
    int counted = before < 1 ? 0 : set_pending(op->part, id, before - 1);
    Py_DECREF(id);
    return before < 0 ? -1 : counted;
}

static const NamedField balance_fields[] = {NAMED_AS(GateOp, part, "pending", DICT), NAMED_END};
static NamedStruct balance_state = {"pie.govern.balance.NativeBalance", balance_fields};

static const GateKind balance_gate = {"Balance", &balance_state, NULL, balance_enter, balance_leave};

/* --- set-up --- */

int balance_gate_init(void) {
    if (named_add(&endpoint_struct) < 0 || named_intern(&endpoint_struct, &names) < 0 ||
        weights_init() < 0) {
        return -1;
    }
    return gate_kind_add(&balance_gate);
}
