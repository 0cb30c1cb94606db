/* The names of hosts, as Host and targets give them. No GIL. */
#ifndef PIE_HOST_H
#define PIE_HOST_H

#include "base/core.h"

/* Whether bytes are a host with or without a port (RFC 9110, 7.2). Stricter in two points: it is not
 * empty, and has no comma, which would be two values that somebody joined. */
bool host_is_valid(const uint8_t *at, size_t size);

#endif
