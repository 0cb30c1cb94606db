/* Where the values of rows come from: the sources that the tables of pie.observe.facts.rows name.
 * Twin: pie/observe/record/finished.py (reader_of). */
#ifndef PIE_SOURCE_H
#define PIE_SOURCE_H

#include "record/finished.h"

typedef enum {
    SOURCE_TEXT,   /* PyObject *, an exact str */
    SOURCE_TEXTS,  /* PyObject *, a list of str or NULL */
    SOURCE_LONG,   /* long */
    SOURCE_INT64,  /* int64_t */
    SOURCE_DOUBLE, /* double */
    SOURCE_TIME,   /* the start in Unix seconds */
} SourceKind;

typedef struct {
    size_t offset; /* into the call, or into what is finished */
    SourceKind kind;
    bool of_call;
    PyObject *key; /* of a text in the call's metadata; owned; NULL for all others */
} Source;

/* The source of a path: "call.NAME" (a field of the Call), "call.NAME.KEY" (a value in its metadata)
 * or "NAME" (a member of Finished). -1 with a ValueError that names it when there is none. */
int source_of(Source *source, PyObject *path);
void source_clear(Source *source);
int source_init(void);

/* The text of a key of metadata (a dict or NULL); empty if it has none. Borrowed. Runs no Python. */
PyObject *source_metadata(PyObject *metadata, PyObject *key);

static inline const void *source_at(const Source *source, const Finished *finished) {
    const char *base = source->of_call ? (const char *)finished->call : (const char *)finished;
    return base + source->offset;
}

/* Of a text. Borrowed. */
static inline PyObject *source_text(const Source *source, const Finished *finished) {
    PyObject *found = *(PyObject *const *)source_at(source, finished);
    return LIKELY(source->key == NULL) ? found : source_metadata(found, source->key);
}

static inline bool source_is_number(const Source *source) {
    return source->kind == SOURCE_LONG || source->kind == SOURCE_INT64;
}

static inline int64_t source_number(const Source *source, const Finished *finished) {
    const void *at = source_at(source, finished);
    return source->kind == SOURCE_LONG ? *(const long *)at : *(const int64_t *)at;
}

#endif
