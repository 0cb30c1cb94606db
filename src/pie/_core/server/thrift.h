/* Thrift on the connections of a loop: the protocol of a _native.Server. */
#ifndef PIE_THRIFT_H
#define PIE_THRIFT_H

#include "loop/shared.h"

extern const LoopProtocol thrift_protocol;

#endif
