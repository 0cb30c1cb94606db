/* CodecError, raised from C. Twin: pie/thrift/errors.py. */
#ifndef PIE_CODEC_ERROR_H
#define PIE_CODEC_ERROR_H

#include "base/core.h"

/* Looks up what errors are made of. It must have been done before anything fails: to import while an
 * exception is set is not possible. -1 with an exception set if it does not work. */
int codec_error_prepare(void);

/* Sets a CodecError without a path. The format is PyUnicode_FromFormat's. */
void codec_error(const char *format, ...);

/* The same with a value shown in place of the one %U. The value is held while it is shown. */
void codec_error_value(const char *format, PyObject *value);

/* pie.thrift.errors.shown: a new reference; NULL with an exception set. */
PyObject *codec_shown(PyObject *value);

/* Puts the key "[shown]" of a map before the path of the CodecError that is set. */
void codec_error_under_key(PyObject *key);

#endif
