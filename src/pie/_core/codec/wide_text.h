/* Text beyond ASCII as a string on the wire. */
#ifndef PIE_WIDE_TEXT_H
#define PIE_WIDE_TEXT_H

#include "codec/protocol.h"

/* Appends a str beyond ASCII with its size; -1 with CodecError set, also for what is no str. */
int wide_text_write(Buffer *out, PyObject *value, Protocol protocol);

#endif
