/* The level of a rate. Twins: pie/govern/{level,share}.py, operation by operation, so that both reach the
 * same numbers to the last bit.
 */
#include "call/rate_level.h"

#include <structmember.h>

#define COLD_FACTOR 3.0
#define SYNC_S 1.0

Limit rate_limit(double qps, double burst, double warm_up) {
    Limit made = {.qps = qps, .burst = burst, .cold = qps / COLD_FACTOR};
    if (warm_up > 0) {
        made.warning = warm_up * qps / (COLD_FACTOR - 1);
        made.most = made.warning + 2 * warm_up * qps / (1 + COLD_FACTOR);
        made.slope = (COLD_FACTOR - 1) / qps / (made.most - made.warning);
    }
    return made;
}

static double larger(double one, double other) {
    return one > other ? one : other;
}

static double smaller(double one, double other) {
    return one < other ? one : other;
}

static double warm_rate(Level *level, const Limit *by, double now) {
    if (level->stored < 0) {
        /* Who was called before there was a warm-up is warm. */
        level->stored = level->at == 0 ? by->most : 0;
        level->synced = now;
    }
    double elapsed = now - level->synced;
    if (elapsed >= SYNC_S) {
        double left = larger(0, level->stored - level->passed);
        double top = level->asked < elapsed * by->cold ? by->most : by->warning;
        level->stored = smaller(by->most, larger(left, smaller(top, left + elapsed * by->qps)));
        level->synced = now;
        level->asked = level->passed = 0;
    }
    double above = level->stored - by->warning;
    return above > 0 ? 1 / (above * by->slope + 1 / by->qps) : by->qps;
}

void level_fall(Level *level, const Limit *by, double now) {
    level->rate = by->most == 0 ? by->qps : warm_rate(level, by, now);
    level->calls = larger(0, level->calls - (now - level->at) * level->rate);
    level->at = now;
    level->asked += 1;
    level->came += 1;
}

bool level_is_full(const Level *level, const Limit *by) {
    return level->calls + 1 > larger(1, level->rate * by->burst);
}

void level_rise(Level *level, const Limit *by) {
    level->calls += 1;
    level->passed += 1;
    level->empty = level->at + (level->calls + by->most) / by->qps;
}

/* --- the types --- */

static PyObject *level_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    Level *self = (Level *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->stored = -1;
    }
    return (PyObject *)self;
}

static PyMemberDef level_members[] = {
    {"calls", T_DOUBLE, offsetof(Level, calls), 0, NULL},
    {"at", T_DOUBLE, offsetof(Level, at), 0, NULL},
    {"rate", T_DOUBLE, offsetof(Level, rate), 0, NULL},
    {"empty", T_DOUBLE, offsetof(Level, empty), 0, NULL},
    {"stored", T_DOUBLE, offsetof(Level, stored), 0, NULL},
    {"synced", T_DOUBLE, offsetof(Level, synced), 0, NULL},
    {"asked", T_DOUBLE, offsetof(Level, asked), 0, NULL},
    {"passed", T_DOUBLE, offsetof(Level, passed), 0, NULL},
    {"came", T_DOUBLE, offsetof(Level, came), 0, NULL},
    {"part", T_DOUBLE, offsetof(Level, part), 0, NULL},
    {"gone", T_BOOL, offsetof(Level, gone), 0, NULL},
    {NULL},
};

PyTypeObject LevelFields_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pie._core._native.LevelFields",
    .tp_doc = "What the level of a rate holds.",
    .tp_basicsize = sizeof(Level),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = level_new,
    .tp_members = level_members,
};

static PyObject *share_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    Share *self = (Share *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->part = 1;
    }
    return (PyObject *)self;
}

static PyMemberDef share_members[] = {
    {"part", T_DOUBLE, offsetof(Share, part), 0, NULL},
    {NULL},
};

PyTypeObject Share_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pie._core._native.Share",
    .tp_doc = "This instance's part of a limit, above 0 to 1.",
    .tp_basicsize = sizeof(Share),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = share_new,
    .tp_members = share_members,
};

int rate_level_init(PyObject *module) {
    return PyModule_AddType(module, &LevelFields_Type) < 0 ? -1
                                                           : PyModule_AddType(module, &Share_Type);
}
