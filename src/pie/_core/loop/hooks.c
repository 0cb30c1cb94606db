/* What a loop tells its Python side. */
#include "loop/hooks.h"

#define SPAWN_PAUSE_NS 1000000000

/* Drops what a hook returned; reports what it raised. */
static void drop(PyObject *hook, PyObject *result) {
    if (result == NULL) {
        PyErr_WriteUnraisable(hook);
    }
    Py_XDECREF(result);
}

void tell_refused(Worker *worker, const char *peer) {
    PyObject *hook = worker->loop->hooks.refused;
    PyEval_RestoreThread(worker->python);
    drop(hook, PyObject_CallFunction(hook, "s", peer));
    worker->python = PyEval_SaveThread();
}

void tell_cannot_accept(Worker *worker, int error) {
    PyObject *hook = worker->loop->hooks.cannot_accept;
    PyEval_RestoreThread(worker->python);
    drop(hook, PyObject_CallFunction(hook, "i", error));
    worker->python = PyEval_SaveThread();
}

void tell_crowded(Worker *worker, const char *peer, long long held) {
    PyObject *hook = worker->loop->hooks.crowded;
    PyEval_RestoreThread(worker->python);
    drop(hook, PyObject_CallFunction(hook, "sL", peer, held));
    worker->python = PyEval_SaveThread();
}

void tell_backlog_served(Worker *worker) {
    PyObject *hook = worker->loop->hooks.backlog_served;
    PyEval_RestoreThread(worker->python);
    drop(hook, PyObject_CallNoArgs(hook));
    worker->python = PyEval_SaveThread();
}

void keep_one_parked(Worker *worker) {
    Loop *loop = worker->loop;
    if (worker->leading && !worker->refusing && !worker->turning &&
        atomic_load(&loop->parked_count) == 0 &&
        loop->worker_count < loop->limits.max_threads && worker->clock >= loop->spawn_again) {
        loop->worker_count++;
        PyObject *spawned = PyObject_CallNoArgs(loop->hooks.spawn);
        if (spawned != Py_True) { /* The system has none to give now. */
            loop->worker_count--;
            loop->spawn_again = worker->clock + SPAWN_PAUSE_NS;
        }
        drop(loop->hooks.spawn, spawned);
    }
}
