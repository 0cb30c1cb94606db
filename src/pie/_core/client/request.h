/* The bytes of a request. */
#ifndef PIE_CLIENT_REQUEST_H
#define PIE_CLIENT_REQUEST_H

#include "client/work.h"

/* UNUSUAL = nothing is written, the twin does it. ERROR = an exception is set; a CodecError names
 * the argument that cannot be encoded. */
Way request_write(const Attempt *attempt, Buffer *out);

#endif
