/* What the headers of a request carry beside its arguments. Twin: pie/rpc/wire/metadata.py, which also
 * reads what is unusual: text beyond ASCII, foreign trace ids. */
#ifndef PIE_METADATA_H
#define PIE_METADATA_H

#include "call/call.h"
#include "frame/frame.h"

/* `_native.setup_metadata(hooks)`: the functions of Python for rare cases. */
PyObject *metadata_setup(PyObject *module, PyObject *hooks);
int metadata_init(void);

/* Whom a caller means; NULL = it does not say. Within the frame. */
typedef struct {
    const char *text;
    size_t size;
} Addressee;

/* Fills a served call from the headers of its frame. -1 with an exception set; damaged headers are
 * no exception but 1. */
int metadata_read(CallObject *call, const uint8_t *frame, const FrameView *view, Addressee *to);

/* A name as logs may hold it: new reference, NULL with an exception set. */
PyObject *name_from_peer(const char *text, size_t size);
/* Sets a field of a call to a name that a peer sent as text. */
int set_name(PyObject **field, PyObject *text);
/* Sets logid and parent from a traceparent and a logid, either of which may be empty or none. */
int set_identity(CallObject *call, const char *span, size_t span_size, const char *logid,
                 size_t logid_size);

#endif
