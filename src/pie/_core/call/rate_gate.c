/* Rate: at most so many calls a second of one method by one caller. Twin: pie/govern/rate.py.
 *
 * The GIL is the lock: between looking at levels and raising them no Python runs.
 */
#include "call/rate_gate.h"

#include "base/readings.h"
#include "call/gates.h"
#include "call/rate_level.h"
#include "call/ruled.h"
#include "call/tally.h"

/* One rule for the calls of a subject. */
typedef struct {
    PyObject *ruling, *rejected, *would_reject;
    Counts *tally;
    Level *level;
    Share *share;
    double qps, burst, warm_up;
    bool dry_run, by_demand;
    double part; /* of which `limit` was made */
    Limit limit;
} Asked;

static const NamedField asked_fields[] = {
    NAMED(Asked, ruling, OBJECT),     NAMED(Asked, rejected, TEXT),
    NAMED(Asked, would_reject, TEXT), NAMED(Asked, tally, OBJECT),
    NAMED(Asked, level, OBJECT),      NAMED(Asked, share, OBJECT),
    NAMED(Asked, qps, NUMBER),        NAMED(Asked, burst, NUMBER),
    NAMED(Asked, warm_up, NUMBER),    NAMED(Asked, dry_run, FLAG),
    NAMED(Asked, by_demand, FLAG),    NAMED_END,
};
static NamedStruct asked_struct = {"pie.govern.rate.NativeLimit", asked_fields};

/* The rules for the calls of a subject. */
typedef struct {
    AnswerHead head;
    Py_ssize_t count;
    Asked *asked;
} Limits;

static PyTypeObject Limits_Type;

/* A level that its table dropped may live on in another one there. */
static bool limits_are_over(PyObject *answer, const CallObject *call) {
    Limits *limits = (Limits *)answer;
    for (Py_ssize_t i = 0; i < limits->count; i++) {
        if (UNLIKELY(limits->asked[i].level->gone)) {
            return true;
        }
    }
    return false;
}

/* pie.govern.rate.part_of */
static double part_of(const Asked *asked) {
    return asked->by_demand && asked->level->part > 0 ? asked->level->part : asked->share->part;
}

static void fall(Asked *asked, double now) {
    double part = part_of(asked);
    if (UNLIKELY(part != asked->part)) {
        asked->part = part;
        asked->limit = rate_limit(asked->qps * asked->part, asked->burst, asked->warm_up);
    }
    level_fall(asked->level, &asked->limit, now);
}

static int reject(Ruled *ruled, CallObject *call, Asked *asked) {
    if (counts_add(asked->tally, REJECTED, ruled->counted) < 0 ||
        ruled_note(call, asked->rejected) < 0) {
        return -1;
    }
    return ruled_refuse(ruled, call, asked->ruling);
}

static int take_in(Ruled *ruled, CallObject *call, Asked *asked) {
    if (UNLIKELY(level_is_full(asked->level, &asked->limit))) {
        int done = counts_add(asked->tally, WOULD_REJECT, ruled->counted);
        return done < 0 ? -1 : ruled_note(call, asked->would_reject);
    }
    level_rise(asked->level, &asked->limit);
    return counts_add(asked->tally, ADMITTED, ruled->counted);
}

static int ask_all(Ruled *ruled, CallObject *call, Limits *limits, double now) {
    for (Py_ssize_t i = 0; i < limits->count; i++) {
        fall(&limits->asked[i], now);
    }
    for (Py_ssize_t i = 0; i < limits->count; i++) {
        Asked *asked = &limits->asked[i];
        if (!asked->dry_run && UNLIKELY(level_is_full(asked->level, &asked->limit))) {
            return reject(ruled, call, asked);
        }
    }
    for (Py_ssize_t i = 0; i < limits->count; i++) {
        if (take_in(ruled, call, &limits->asked[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

static int rate_enter(GateOp *op, CallObject *call, double *delay) {
    Ruled *ruled = (Ruled *)op->part;
    double now = reading_now();
    Limits *limits = (Limits *)ruled_answer(ruled, call, now, &Limits_Type, limits_are_over);
    if (limits == NULL) {
        return -1;
    }
    int done = ask_all(ruled, call, limits, now);
    Py_DECREF(limits);
    return done;
}

/* --- the type --- */

static int read_asked(Asked *asked, PyObject *from) {
    if (named_read(&asked_struct, from, asked) < 0) {
        return -1;
    }
    if (!PyObject_TypeCheck(asked->tally, &Counts_Type) ||
        !PyObject_TypeCheck(asked->level, &LevelFields_Type) ||
        !PyObject_TypeCheck(asked->share, &Share_Type)) {
        named_clear(&asked_struct, asked);
        PyErr_SetString(PyExc_TypeError, "NativeLimit holds another type of tally, level or share");
        return -1;
    }
    asked->part = NAN;
    return 0;
}

static PyObject *limits_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"passing", "limits", NULL};
    int passing;
    PyObject *limits;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "pO!:Limits", keywords, &passing, &PyTuple_Type,
                                     &limits)) {
        return NULL;
    }
    Limits *self = (Limits *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->head.passing = passing;
    self->asked = PyMem_Calloc((size_t)PyTuple_GET_SIZE(limits) + 1, sizeof(Asked));
    if (self->asked == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(limits); i++) {
        if (read_asked(&self->asked[i], PyTuple_GET_ITEM(limits, i)) < 0) {
            Py_DECREF(self);
            return NULL;
        }
        self->count++;
    }
    return (PyObject *)self;
}

static void limits_dealloc(Limits *self) {
    for (Py_ssize_t i = 0; i < self->count; i++) {
        named_clear(&asked_struct, &self->asked[i]);
    }
    PyMem_Free(self->asked);
    Py_TYPE(self)->tp_free(self);
}

static PyTypeObject Limits_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pie._core._native.Limits",
    .tp_doc = "The limits of the calls of a subject: whether they are for one call alone, and a tuple of "
              "NativeLimit.",
    .tp_basicsize = sizeof(Limits),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = limits_new,
    .tp_dealloc = (destructor)limits_dealloc,
};

static const GateKind rate_gate = {"Rate", &ruled_state, &Ruled_Type, rate_enter, NULL};

int rate_gate_init(PyObject *module) {
    if (named_add(&asked_struct) < 0 || PyModule_AddType(module, &Limits_Type) < 0) {
        return -1;
    }
    return gate_kind_add(&rate_gate);
}
