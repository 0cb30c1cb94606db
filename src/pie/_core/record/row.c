/* The row of a finished call. Twin: pie/observe/record/call_log.py (row_of, encode). */
#include "record/row.h"

#include "base/named.h"
#include "base/text.h"

#define CHUNK 32

/* --- the parts --- */

/* pie.observe.record.description.Part */
typedef struct {
    PyObject *literal, *source;
    Py_ssize_t cut;
} Part;

static const NamedField part_fields[] = {NAMED(Part, literal, OBJECT), NAMED(Part, source, TEXT),
                                         NAMED(Part, cut, SIZE), NAMED_END};
static NamedStruct part_struct = {"pie.observe.record.description.Part", part_fields};

static int take_part(Row *row, RowPart *part, const Part *given) {
    char *bytes;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(given->literal, &bytes, &size) < 0) {
        return -1;
    }
    part->literal = row->literals.size;
    part->literal_size = (size_t)size;
    if (buffer_add(&row->literals, bytes, (size_t)size) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    if (PyUnicode_GET_LENGTH(given->source) == 0) {
        row->end = part->literal;
        row->end_size = part->literal_size;
        return 0;
    }
    row->count++;
    part->cut = given->cut == 0 ? PY_SSIZE_T_MAX : given->cut;
    return source_of(&part->source, given->source);
}

static int part_init(Row *row, RowPart *part, PyObject *described) {
    Part given = {0};
    if (named_read(&part_struct, described, &given) < 0) {
        return -1;
    }
    int done = take_part(row, part, &given);
    named_clear(&part_struct, &given);
    return done;
}

int row_init(Row *row, PyObject *parts) {
    PyObject *given = PySequence_Tuple(parts);
    if (given == NULL) {
        return -1;
    }
    Py_ssize_t size = PyTuple_GET_SIZE(given);
    row->parts = calloc((size_t)size + 1, sizeof *row->parts);
    int done = row->parts == NULL ? -1 : 0;
    if (done < 0) {
        PyErr_NoMemory();
    }
    for (Py_ssize_t i = 0; i < size && done == 0; i++) {
        done = part_init(row, &row->parts[i], PyTuple_GET_ITEM(given, i));
        if (done == 0 && (row->count == (size_t)i + 1) == (i == size - 1)) {
            PyErr_SetString(PyExc_ValueError, "the last part of a row, and no other, has no source");
            done = -1;
        }
    }
    Py_DECREF(given);
    if (done == 0 && buffer_add(&row->literals, (uint8_t[CHUNK]){0}, CHUNK) < 0) {
        PyErr_NoMemory();
        done = -1;
    }
    return done;
}

void row_free(Row *row) {
    buffer_free(&row->literals);
    for (size_t i = 0; i < row->count; i++) {
        source_clear(&row->parts[i].source);
    }
    free(row->parts);
    *row = (Row){0};
}

/* --- writing --- */

static int add_float(Buffer *out, double value) {
    if (value == 1.0) {
        return TEXT_ADD_LITERAL(out, "1.0");
    }
    if (!isfinite(value)) {
        return TEXT_ADD_LITERAL(out, "null");
    }
    char *text = PyOS_double_to_string(value, 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
    if (text == NULL) {
        PyErr_Clear();
        return -1;
    }
    int done = buffer_add(out, text, strlen(text));
    PyMem_Free(text);
    return done;
}

static int add_time(Buffer *out, const Finished *finished) {
    if (finished->ts_us < 0) {
        return add_float(out, finished->ts);
    }
    int64_t rest = finished->ts_us % 1000000;
    char digits[] = ".000000";
    for (int i = 6; i > 0; i--, rest /= 10) {
        digits[i] = (char)('0' + rest % 10);
    }
    size_t size = 7;
    while (digits[size - 1] == '0' && size > 2) {
        size--;
    }
    return number_add(out, finished->ts_us / 1000000) | buffer_add(out, digits, size);
}

static int add_texts(Buffer *out, PyObject *texts, Py_ssize_t cut) {
    Py_ssize_t count = texts == NULL ? 0 : PyList_GET_SIZE(texts);
    int failed = TEXT_ADD_LITERAL(out, "[");
    for (Py_ssize_t i = 0; i < count; i++) {
        failed |= i == 0 ? 0 : TEXT_ADD_LITERAL(out, ",");
        failed |= text_add_json(out, PyList_GET_ITEM(texts, i), cut);
    }
    return failed | TEXT_ADD_LITERAL(out, "]");
}

static int add_value(Buffer *out, const RowPart *part, const Finished *finished) {
    const Source *source = &part->source;
    switch (source->kind) {
    case SOURCE_TEXT:
        return text_add_json(out, source_text(source, finished), part->cut);
    case SOURCE_TEXTS:
        return add_texts(out, source_text(source, finished), part->cut);
    case SOURCE_LONG:
    case SOURCE_INT64:
        return number_add(out, source_number(source, finished));
    case SOURCE_DOUBLE:
        return add_float(out, *(const double *)source_at(source, finished));
    case SOURCE_TIME:
        return add_time(out, finished);
    }
    Py_UNREACHABLE();
}

/* Appends bytes behind which there are CHUNK more that may be read. Most literals fit into one chunk,
 * whose copy is two instructions. */
ALWAYS_INLINE int add_literal(Buffer *out, const uint8_t *literal, size_t size) {
    uint8_t *room = buffer_room(out, size + CHUNK);
    if (UNLIKELY(room == NULL)) {
        return -1;
    }
    memcpy(room, literal, CHUNK);
    if (size > CHUNK) {
        memcpy(room + CHUNK, literal + CHUNK, size - CHUNK);
    }
    out->size += size;
    return 0;
}

int row_write(Buffer *out, const Row *row, const Finished *finished) {
    const uint8_t *literals = row->literals.data;
    int failed = 0;
    for (size_t i = 0; i < row->count; i++) {
        const RowPart *part = &row->parts[i];
        failed |= add_literal(out, literals + part->literal, part->literal_size);
        failed |= add_value(out, part, finished);
    }
    failed |= buffer_add(out, literals + row->end, row->end_size);
    return failed ? -1 : 0;
}

int row_setup(void) {
    return named_add(&part_struct);
}
