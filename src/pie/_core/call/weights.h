/* Weights of candidates, and two of them drawn by chance. Twin: pie/govern/balance.py. */
#ifndef PIE_WEIGHTS_H
#define PIE_WEIGHTS_H

#include "base/core.h"

/* A tuple of two endpoints at least, and the sums of the weights up to each; NULL if all have the same. */
typedef struct {
    PyObject *candidates;
    double *sums;
} Weights;

/* Two candidates, and their weights. */
typedef struct {
    Py_ssize_t first, second;
    double first_weight, second_weight;
} Drawn;

/* Adds the weights up; -1 with an exception set. */
int weights_make(Weights *weights, PyObject *candidates);
void weights_clear(Weights *weights);

/* Those of a list that route made, which lives long; borrowed, NULL with an exception set. */
const Weights *weights_kept(PyObject *candidates);

/* In proportion to the weights; the same candidate twice if no other has any weight. */
Drawn weights_draw(const Weights *weights);

int weights_init(void);

#endif
