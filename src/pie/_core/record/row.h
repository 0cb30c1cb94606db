/* The row of a finished call, as the table pie.observe.facts.rows.CallRow has it. Twin: call_log.py
 * (row_of, encode). */
#ifndef PIE_ROW_H
#define PIE_ROW_H

#include "record/source.h"

/* A value of the row, and the bytes that stand before it. */
typedef struct {
    size_t literal, literal_size; /* in `literals` */
    Source source;
    Py_ssize_t cut; /* code points of a text */
} RowPart;

typedef struct {
    Buffer literals;
    RowPart *parts;
    size_t count;
    size_t end, end_size; /* the bytes behind the last value */
} Row;

/* Takes over the parts of a row (pie.observe.record.description.Part): a sequence, whose last has no
 * source. -1 with an exception set, e.g. for a source that nobody knows. */
int row_init(Row *row, PyObject *parts);
void row_free(Row *row);

/* Makes the description part of the contract with Python. */
int row_setup(void);

/* Appends the row as a line of JSON. 0, or -1 = no memory (no exception is set). Runs no Python. */
int row_write(Buffer *out, const Row *row, const Finished *finished);

#endif
