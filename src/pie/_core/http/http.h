/* HTTP/1.1 on the connections of a loop: the protocol of a _native.HttpServer. */
#ifndef PIE_HTTP_H
#define PIE_HTTP_H

#include "loop/shared.h"

extern const LoopProtocol http_protocol;

#endif
