/* CodecError, raised from C. Twin: pie/thrift/errors.py. */
#ifndef PIE_CODEC_ERROR_H
#define PIE_CODEC_ERROR_H

#include "base/core.h"

/* Looks up the classes of errors, for nothing can be imported while an exception is set. -1 with an
 * exception set. */
int codec_error_prepare(void);

/* Sets a CodecError without a path. The format is PyUnicode_FromFormat's. */
void codec_error(const char *format, ...);

/* The same; the one %U of the format shows the value, which is held meanwhile. */
void codec_error_value(const char *format, PyObject *value);

/* pie.thrift.errors.shown: a new reference; NULL with an exception set. */
PyObject *codec_shown(PyObject *value);

/* Puts a step (".name", "[3]", a class's name) before the path of the CodecError that is set. */
void codec_error_under(const char *format, ...);

/* Puts the key "[shown]" of a map before the path of the CodecError that is set. */
void codec_error_under_key(PyObject *key);

#endif
