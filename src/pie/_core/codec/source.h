/* Bytes being decoded. Twin: pie/thrift/codec/source.py. */
#ifndef PIE_CODEC_SOURCE_H
#define PIE_CODEC_SOURCE_H

#include "base/core.h"

/* What is left of the bytes, and of the memory that their values may take. */
typedef struct {
    const uint8_t *begin, *at, *end;
    Py_ssize_t memory, memory_limit;
} Source;

#endif
