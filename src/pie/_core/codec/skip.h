/* Passing over unknown fields. Twins: pie/thrift/codec/{,binary_,compact_}skip.py. */
#ifndef PIE_SKIP_H
#define PIE_SKIP_H

#include "codec/protocol.h"
#include "codec/source.h"

/* Passes over the rest of an unknown field behind its head; -1 with CodecError set. */
int skip_field(Source *source, Protocol protocol, int code, int depth);

#endif
