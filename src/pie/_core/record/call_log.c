/* The call log: finished calls become counts, rows and lines. Twin: pie/observe/record/call_log.py.
 *
 * All is done on the caller's thread; a writer takes what has come together.
 */
#include "record/call_log.h"

#include <unistd.h>

#include "base/text.h"
#include "record/aggregate_init.h"
#include "record/call_log_object.h"
#include "record/call_log_take.h"

/* --- calls in flight --- */

static int64_t *in_flight(CallLog *self, const CallObject *call) {
    return call_is_served(call) ? &self->serving : &self->asking;
}

void call_log_enter(PyObject *log, CallObject *call) {
    ++*in_flight((CallLog *)log, call);
}

void call_log_leave(PyObject *log, CallObject *call) {
    int64_t *count = in_flight((CallLog *)log, call);
    *count -= *count > 0; /* In a forked child a call may end that began in its parent. */
}

/* --- recording --- */

/* Asks Python for the date and time of a second; another thread may run meanwhile. */
static int renew_stamp(CallLog *self, int64_t second) {
    PyObject *text = PyObject_CallFunction(self->make_stamp, "L", (long long)second);
    if (text == NULL) {
        return -1;
    }
    if (!PyUnicode_Check(text) || !PyUnicode_IS_ASCII(text) ||
        PyUnicode_GET_LENGTH(text) != STAMP) {
        PyErr_Format(PyExc_ValueError, "%R is not a date and a time", text);
        Py_DECREF(text);
        return -1;
    }
    memcpy(self->stamp, PyUnicode_1BYTE_DATA(text), STAMP);
    self->second = second;
    Py_DECREF(text);
    return 0;
}

static void count(CallLog *self, const Finished *finished) {
    for (int i = 0; i < self->aggregate_count; i++) {
        if (aggregate_add(&self->aggregates[i], finished) < 0) {
            self->lost++;
        }
    }
}

static void keep_row(CallLog *self, Finished *finished) {
    finished->weight = budget_weight(&self->budget, finished->call->logid, finished->ended,
                                     finished->duration_us, finished->failures);
    Buffer *out = finished->weight == 0 ? NULL : ring_open(&self->rings[CALLS]);
    if (out != NULL) {
        size_t begin = out->size;
        bool whole = finished->weight > 0 && row_write(out, &self->row, finished) == 0;
        ring_close(&self->rings[CALLS], begin, whole, finished->ts);
    }
}

static void keep_line(CallLog *self, const Finished *finished) {
    Ring *ring = &self->rings[call_is_served(finished->call) ? SERVED : ASKED];
    Buffer *out = ring_open(ring);
    if (out != NULL) {
        size_t begin = out->size;
        bool whole = line_write(out, finished, &self->line, self->stamp) == 0;
        ring_close(ring, begin, whole, finished->ended);
    }
}

static int wake_writer(CallLog *self) {
    self->woken = true;
    PyObject *done = PyObject_CallNoArgs(self->wake);
    if (done == NULL) {
        self->woken = false;
        return -1;
    }
    Py_DECREF(done);
    return 0;
}

/* Before the first call is counted: what a process counts from then on outlives it. */
static int prepare_counts(CallLog *self) {
    self->prepared = true;
    if (self->prepare == Py_None) {
        return 0;
    }
    PyObject *done = PyObject_CallNoArgs(self->prepare);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

int call_log_record(PyObject *log, CallObject *call) {
    CallLog *self = (CallLog *)log;
    Finished finished;
    if (finished_of(&finished, call, &self->process) < 0) {
        return -1;
    }
    bool whole = call->attempt == 0;
    int64_t second = (int64_t)finished.ended;
    if ((UNLIKELY(!self->prepared) && prepare_counts(self) < 0) ||
        (whole && UNLIKELY(second != self->second) && renew_stamp(self, second) < 0) ||
        finished_check(&finished) < 0) {
        finished_clear(&finished);
        return -1;
    }
    /* From here on no Python runs until all is written. */
    count(self, &finished);
    keep_row(self, &finished);
    if (whole) {
        keep_line(self, &finished);
    }
    finished_clear(&finished);
    return LIKELY(self->woken) ? 0 : wake_writer(self);
}

/* --- the face --- */

static int checked_call(PyObject *call) {
    if (call_is(call)) {
        return 0;
    }
    PyErr_Format(PyExc_TypeError, "a Call is needed, not %.100s", Py_TYPE(call)->tp_name);
    return -1;
}

static PyObject *log_record(PyObject *self, PyObject *call) {
    if (checked_call(call) < 0 || call_log_record(self, (CallObject *)call) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *log_enter(PyObject *self, PyObject *call) {
    if (checked_call(call) < 0) {
        return NULL;
    }
    call_log_enter(self, (CallObject *)call);
    Py_RETURN_NONE;
}

static PyObject *log_leave(PyObject *self, PyObject *call) {
    if (checked_call(call) < 0) {
        return NULL;
    }
    call_log_leave(self, (CallObject *)call);
    return log_record(self, call);
}

static int set_process(CallLog *self) {
    char text[64];
    int size = PyOS_snprintf(text, sizeof text, " process=%ld thread=", (long)getpid());
    self->line.process.size = 0;
    return buffer_add(&self->line.process, text, size);
}

static PyObject *log_begin(CallLog *self, PyObject *nothing) {
    for (int i = 0; i < RINGS; i++) {
        ring_clear(&self->rings[i]);
    }
    for (int i = 0; i < self->aggregate_count; i++) {
        aggregate_clear(&self->aggregates[i]);
    }
    self->serving = self->asking = 0;
    self->woken = self->prepared = false;
    if (set_process(self) < 0) {
        return PyErr_NoMemory();
    }
    Py_RETURN_NONE;
}

static PyObject *log_lost(CallLog *self, void *closure) {
    int64_t lost = self->lost;
    for (int i = 0; i < RINGS; i++) {
        lost += self->rings[i].lost;
    }
    return PyLong_FromLongLong(lost);
}

static PyObject *log_serving(CallLog *self, void *closure) {
    return PyLong_FromLongLong(self->serving);
}

static PyObject *log_asking(CallLog *self, void *closure) {
    return PyLong_FromLongLong(self->asking);
}

static PyObject *log_counting(CallLog *self, void *closure) {
    bool counting = false;
    for (int i = 0; i < self->aggregate_count; i++) {
        counting |= self->aggregates[i].count > 0;
    }
    return PyBool_FromLong(counting);
}

/* --- making --- */

static int set_origin(CallLog *self, PyObject *location, PyObject *who) {
    Buffer *out = &self->line.origin;
    if (TEXT_ADD_LITERAL(out, " ") < 0 || text_add(out, location) < 0 ||
        TEXT_ADD_LITERAL(out, " ") < 0 || text_add(out, who) < 0 ||
        TEXT_ADD_LITERAL(out, " ") < 0 || set_process(self) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

/* Copies the levels; what is looked up there while a line is written must run no Python. */
static int set_levels(CallLog *self, PyObject *levels) {
    PyObject *outcome, *level;
    Py_ssize_t at = 0;
    if (levels == NULL) {
        return 0;
    }
    while (PyDict_Next(levels, &at, &outcome, &level)) {
        if (!PyUnicode_CheckExact(outcome) || !PyUnicode_CheckExact(level)) {
            PyErr_SetString(PyExc_TypeError, "levels must be a dict of str to str");
            return -1;
        }
    }
    self->line.levels = PyDict_Copy(levels);
    return self->line.levels == NULL ? -1 : 0;
}

static int set_aggregates(CallLog *self, PyObject *descriptions) {
    PyObject *given = PySequence_Tuple(descriptions);
    int done = given == NULL ? -1 : 0;
    if (done == 0 && PyTuple_GET_SIZE(given) > AGGREGATES) {
        PyErr_Format(PyExc_ValueError, "a call log has at most %d aggregates", AGGREGATES);
        done = -1;
    }
    for (Py_ssize_t i = 0; done == 0 && i < PyTuple_GET_SIZE(given); i++) {
        done = aggregate_init(&self->aggregates[self->aggregate_count++],
                              PyTuple_GET_ITEM(given, i));
    }
    Py_XDECREF(given);
    return done;
}

static PyObject *log_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"row",        "aggregates", "env",
                               "version",    "location",   "who",
                               "per_second", "slow_us",    "notable_per_second",
                               "stamp",      "wake",       "limit",
                               "prepare",    "levels",     NULL};
    PyObject *row, *aggregates, *env, *version, *location, *who, *stamp, *wake, *prepare;
    PyObject *levels = NULL;
    long long per_second, slow_us, notable_per_second;
    Py_ssize_t limit;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOUUUULLLOOnO|$O!:CallLog", keywords, &row,
                                     &aggregates, &env, &version, &location, &who, &per_second,
                                     &slow_us, &notable_per_second, &stamp, &wake, &limit,
                                     &prepare, &PyDict_Type, &levels)) {
        return NULL;
    }
    CallLog *self = (CallLog *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->make_stamp = Py_NewRef(stamp);
    self->wake = Py_NewRef(wake);
    self->prepare = Py_NewRef(prepare);
    self->budget = (Budget){{.per_second = per_second}, {.per_second = notable_per_second}, slow_us};
    self->second = INT64_MIN;
    for (int i = 0; i < RINGS; i++) {
        self->rings[i].limit = (size_t)(limit < 0 ? 0 : limit);
        self->rings[i].filling = -1;
    }
    self->process.env = PyUnicode_FromObject(env); /* Exact: rows are written without Python. */
    self->process.version = PyUnicode_FromObject(version);
    if (self->process.env == NULL || self->process.version == NULL ||
        set_origin(self, location, who) < 0 || row_init(&self->row, row) < 0 ||
        set_levels(self, levels) < 0 || set_aggregates(self, aggregates) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static int log_traverse(CallLog *self, visitproc visit, void *arg) {
    Py_VISIT(self->make_stamp);
    Py_VISIT(self->wake);
    Py_VISIT(self->prepare);
    for (int i = 0; i < self->aggregate_count; i++) {
        int stop = aggregate_traverse(&self->aggregates[i], visit, arg);
        if (stop != 0) {
            return stop;
        }
    }
    return 0;
}

static void log_dealloc(CallLog *self) {
    PyObject_GC_UnTrack(self);
    Py_CLEAR(self->make_stamp);
    Py_CLEAR(self->wake);
    Py_CLEAR(self->prepare);
    for (int i = 0; i < RINGS; i++) {
        ring_clear(&self->rings[i]);
    }
    for (int i = 0; i < self->aggregate_count; i++) {
        aggregate_free(&self->aggregates[i]);
    }
    Py_CLEAR(self->process.env);
    Py_CLEAR(self->process.version);
    row_free(&self->row);
    buffer_free(&self->line.origin);
    buffer_free(&self->line.process);
    Py_CLEAR(self->line.levels);
    Py_TYPE(self)->tp_free(self);
}

static PyMethodDef log_methods[] = {
    {"enter", log_enter, METH_O, "A call is on its way."},
    {"leave", log_leave, METH_O, "A call is no longer on its way, and is recorded."},
    {"record", log_record, METH_O, "Count and write down a finished call or attempt."},
    {"take", (PyCFunction)call_log_take, METH_O, "What waits in \"calls\", \"served\" or \"asked\"."},
    {"take_half", (PyCFunction)call_log_take_half, METH_O,
     "What waits in the shared mapping, before what take() takes after that."},
    {"release_half", (PyCFunction)call_log_release_half, METH_FASTCALL, "A half is written."},
    {"attach_halves", (PyCFunction)call_log_attach_halves, METH_FASTCALL,
     "Keep \"calls\", \"served\" or \"asked\" in a shared mapping."},
    {"take_totals", (PyCFunction)call_log_take_totals, METH_FASTCALL,
     "Rows and slots of an aggregate's buckets that are over."},
    {"attach", (PyCFunction)call_log_attach, METH_FASTCALL,
     "Count an aggregate in the slots of a shared mapping."},
    {"release", (PyCFunction)call_log_release, METH_FASTCALL, "The row of a slot is written."},
    {"begin", (PyCFunction)log_begin, METH_NOARGS, "Start empty, in a forked child."},
    {NULL},
};

static PyGetSetDef log_getters[] = {
    {"lost", (getter)log_lost, NULL, "Rows and lines that found no room.", NULL},
    {"serving", (getter)log_serving, NULL, "Calls that are being served.", NULL},
    {"asking", (getter)log_asking, NULL, "Calls that are being made.", NULL},
    {"counting", (getter)log_counting, NULL, "Whether some totals are not taken yet.", NULL},
    {NULL},
};

PyTypeObject CallLog_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pie._core._native.CallLog",
    .tp_doc = "Finished calls on their way to the disk.",
    .tp_basicsize = sizeof(CallLog),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = log_new,
    .tp_dealloc = (destructor)log_dealloc,
    .tp_traverse = (traverseproc)log_traverse,
    .tp_methods = log_methods,
    .tp_getset = log_getters,
};

static PyObject *py_histogram_bucket(PyObject *module, PyObject *duration_us) {
    long long duration = PyLong_AsLongLong(duration_us);
    if (duration < 0) {
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_ValueError, "a negative duration");
    }
    return PyLong_FromLong(histogram_bucket(duration));
}

static PyMethodDef functions[] = {
    {"histogram_bucket", py_histogram_bucket, METH_O, "Key of the logarithmic histogram."},
    {NULL},
};

int call_log_init(PyObject *module) {
    return PyModule_AddFunctions(module, functions) < 0 ? -1 : PyModule_AddType(module, &CallLog_Type);
}
