/* The time and the chance that policies go by. */
#include "base/readings.h"

#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fork.h"

static double given_now = NAN; /* NAN = the machine's */
static double given_wall = NAN;
static PyObject *given_chances; /* an iterator of floats; NULL = the machine's */
static uint64_t random_state;

/* Also in a forked child: workers must not draw the same. */
static void seed(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    random_state = ((uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec ^ (uint64_t)getpid()) | 1;
}

double reading_now(void) {
    return LIKELY(isnan(given_now)) ? monotonic_now() : given_now;
}

double reading_wall(void) {
    return LIKELY(isnan(given_wall)) ? wall_now() : given_wall;
}

/* The next number a test gives, or a negative one when there is none. */
static double next_chance(void) {
    PyObject *next = PyIter_Next(given_chances);
    double chance = next == NULL ? -1 : PyFloat_AsDouble(next);
    Py_XDECREF(next);
    PyErr_Clear();
    return chance;
}

/* xorshift64* (Vigna, 2016); the upper 53 bits. */
double reading_chance(void) {
    if (UNLIKELY(given_chances != NULL)) {
        double chance = next_chance();
        if (chance >= 0) {
            return chance;
        }
    }
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (double)(random_state * 2685821657736338717u >> 11) * 0x1p-53;
}

static PyObject *give_readings(PyObject *module, PyObject *args) {
    PyObject *now, *chances, *wall = Py_None;
    if (!PyArg_ParseTuple(args, "OO|O:give_readings", &now, &chances, &wall)) {
        return NULL;
    }
    double seconds = now == Py_None ? NAN : PyFloat_AsDouble(now);
    double unix_seconds = wall == Py_None ? NAN : PyFloat_AsDouble(wall);
    if (PyErr_Occurred()) {
        return NULL;
    }
    PyObject *numbers = NULL;
    if (chances != Py_None && (numbers = PyObject_GetIter(chances)) == NULL) {
        return NULL;
    }
    given_now = seconds;
    given_wall = unix_seconds;
    Py_XSETREF(given_chances, numbers);
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"give_readings", give_readings, METH_VARARGS,
     "For tests: the monotonic time that policies see, the numbers from 0 to below 1 that they draw, and Unix "
     "seconds. None = the machine's."},
    {NULL},
};

int readings_init(PyObject *module) {
    seed();
    fork_handler(seed);
    return PyModule_AddFunctions(module, functions);
}
