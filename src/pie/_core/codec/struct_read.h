/* Bytes to values. Twin: pie/thrift/codec/struct_read.py. */
#ifndef PIE_STRUCT_READ_H
#define PIE_STRUCT_READ_H

#include "codec/program.h"
#include "codec/source.h"

/* Reads a struct; NULL with CodecError set. */
PyObject *struct_decode(Source *source, Protocol protocol, Program *program, int depth);

/* Reads a struct's fields, in order, into `values` (one for each field): new references, with
 * defaults for what was not sent (None where there is none). -1 with CodecError set and nothing to
 * release. */
int fields_decode(Source *source, Protocol protocol, Program *program, PyObject **values,
                  int depth);

#endif
