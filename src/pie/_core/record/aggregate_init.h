/* An aggregate made of its description. */
#ifndef PIE_AGGREGATE_INIT_H
#define PIE_AGGREGATE_INIT_H

#include "record/aggregate.h"

/* -1 with an exception set, e.g. for a source that nobody knows. */
int aggregate_init(Aggregate *aggregate, PyObject *description);

/* Makes the descriptions part of the contract with Python. */
int aggregate_setup(void);

#endif
