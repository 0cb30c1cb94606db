/* `_native.encode`, `encode_into` and `decode`: structs to bytes and back, for Python.
 * Twin: pie/thrift/codec/python.py: same values, same bytes, same errors with the same paths. */
#ifndef PIE_CODEC_H
#define PIE_CODEC_H

#include "base/core.h"

/* Adds the codec's types and functions to the module. */
int codec_init(PyObject *module);

#endif
