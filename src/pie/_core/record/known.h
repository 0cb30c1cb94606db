/* The values of one key of an aggregate that a process holds. Twin: pie/observe/record/aggregate.py
 * (Known). Guarded by the GIL; runs no Python. */
#ifndef PIE_KNOWN_H
#define PIE_KNOWN_H

#include "base/core.h"

typedef union {
    PyObject *text; /* an exact str */
    int64_t number;
} Value;

typedef struct {
    bool is_text;
    int64_t cap;     /* 0 = none */
    PyObject *other; /* owned: an exact str, or an int */
    Value other_value;
    PyObject *seen; /* value -> ts of the bucket it came in last; NULL = empty */
    int64_t swept;
} Known;

/* The value in a bucket that begins at `ts`, or the other; borrowed as it came. -1 = no memory (no
 * exception is set). */
int known_admit(Known *known, Value *value, int64_t ts);

/* Forgets all values. */
void known_clear(Known *known);

#endif
