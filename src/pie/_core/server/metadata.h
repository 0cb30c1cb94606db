/* What the headers of a request carry beside its arguments. Twin: pie/rpc/wire/metadata.py, which also
 * reads what is unusual: text beyond ASCII, foreign trace ids. */
#ifndef PIE_METADATA_H
#define PIE_METADATA_H

#include "call/call.h"
#include "frame/frame.h"

/* `_native.setup_metadata(hooks)`: the functions of Python for rare cases. */
PyObject *metadata_setup(PyObject *module, PyObject *hooks);
int metadata_init(void);

/* Fills a served call from the headers of its frame. -1 with an exception set; damaged headers are
 * no exception but 1. */
int metadata_read(CallObject *call, const uint8_t *frame, const FrameView *view);

/* A name as logs may hold it: new reference, NULL with an exception set. */
PyObject *name_from_peer(const char *text, size_t size);
/* Sets a field of a call to a name that a peer sent as text. */
int set_name(PyObject **field, PyObject *text);
/* Sets logid and parent from a traceparent; passes over what is none. */
int set_span(CallObject *call, const char *text, size_t size);
/* Sets the logid if the text is one. */
int set_logid(CallObject *call, const char *text, size_t size);

#endif
