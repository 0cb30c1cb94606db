/* Weights of candidates, and two of them drawn by chance. Twin: pie/govern/balance.py, operation by operation. */
#include "call/weights.h"

#include "base/readings.h"

static PyObject *weight_name;

#define LISTS 64 /* of candidates, made by route and used again and again */
#define MOST_WEIGHT 1000000

static Weights lists[LISTS];

/* The weight of an endpoint; -1 with an exception set. */
static double weight_of(PyObject *endpoint) {
    PyObject *found = PyObject_GetAttr(endpoint, weight_name);
    long weight = found == NULL ? -1 : PyLong_AsLong(found);
    Py_XDECREF(found);
    if (!PyErr_Occurred() && (weight < 0 || weight > MOST_WEIGHT)) {
        PyErr_Format(PyExc_ValueError, "the weight of %R is not in 0..%d", endpoint, MOST_WEIGHT);
    }
    return PyErr_Occurred() ? -1 : (double)weight;
}

void weights_clear(Weights *weights) {
    Py_CLEAR(weights->candidates);
    PyMem_Free(weights->sums);
    weights->sums = NULL;
}

int weights_make(Weights *weights, PyObject *candidates) {
    Py_ssize_t count = PyTuple_GET_SIZE(candidates);
    double *sums = PyMem_Calloc((size_t)count, sizeof *sums), sum = 0, first = 0;
    bool alike = true;
    if (sums == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        double weight = weight_of(PyTuple_GET_ITEM(candidates, i));
        if (weight < 0) {
            PyMem_Free(sums);
            return -1;
        }
        first = i == 0 ? weight : first;
        alike = alike && weight == first;
        sums[i] = sum += weight;
    }
    if (alike) {
        PyMem_Free(sums);
        sums = NULL;
    }
    *weights = (Weights){Py_NewRef(candidates), sums};
    return 0;
}

const Weights *weights_kept(PyObject *candidates) {
    Weights *kept = &lists[((uintptr_t)candidates >> 4) % LISTS];
    if (UNLIKELY(kept->candidates != candidates)) {
        Weights made, before = *kept;
        if (weights_make(&made, candidates) < 0) {
            return NULL;
        }
        *kept = made;
        weights_clear(&before);
    }
    return kept;
}

/* The candidate in whose part of the sum a number lies. */
static Py_ssize_t at_sum(const double *sums, Py_ssize_t count, double drawn) {
    Py_ssize_t low = 0, high = count;
    while (low < high) {
        Py_ssize_t middle = low + (high - low) / 2;
        if (drawn < sums[middle]) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low < count ? low : count - 1;
}

static double weight_at(const double *sums, Py_ssize_t index) {
    return index == 0 ? sums[0] : sums[index] - sums[index - 1];
}

static Py_ssize_t random_below(Py_ssize_t count) {
    return (Py_ssize_t)(reading_chance() * (double)count);
}

static Drawn draw_alike(Py_ssize_t count) {
    Py_ssize_t first = random_below(count), second = random_below(count - 1);
    return (Drawn){first, second + (second >= first), 1, 1};
}

/* In proportion to the weights; the same candidate twice if no other has any weight. */
static Drawn draw_weighed(const double *sums, Py_ssize_t count) {
    Py_ssize_t first = at_sum(sums, count, reading_chance() * sums[count - 1]);
    double weight = weight_at(sums, first), others = sums[count - 1] - weight;
    if (others == 0) {
        return (Drawn){first, first, 1, 1};
    }
    double drawn = reading_chance() * others;
    if (drawn >= sums[first] - weight) {
        drawn += weight;
    }
    Py_ssize_t second = at_sum(sums, count, drawn);
    return (Drawn){first, second, weight, weight_at(sums, second)};
}

Drawn weights_draw(const Weights *weights) {
    Py_ssize_t count = PyTuple_GET_SIZE(weights->candidates);
    return LIKELY(weights->sums == NULL) ? draw_alike(count) : draw_weighed(weights->sums, count);
}

int weights_init(void) {
    weight_name = PyUnicode_InternFromString("weight");
    return weight_name == NULL ? -1 : 0;
}
