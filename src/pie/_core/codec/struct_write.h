/* Values to bytes. Twin: pie/thrift/codec/struct_write.py. */
#ifndef PIE_STRUCT_WRITE_H
#define PIE_STRUCT_WRITE_H

#include "codec/program.h"

/* Appends a struct. -1 with CodecError set (path below the struct's class: add its name). */
int struct_encode(Buffer *out, Protocol protocol, Program *program, PyObject *value, int depth);

/* Appends a struct given as the values of its fields in order; NULL or None = not set. */
int fields_encode(Buffer *out, Protocol protocol, Program *program, PyObject *const *values,
                  int depth);

#endif
