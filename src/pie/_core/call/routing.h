/* The gates that choose where a call goes. Twins: pie/govern/{route,balance}.py. */
#ifndef PIE_ROUTING_H
#define PIE_ROUTING_H

#include "base/core.h"

int routing_init(void);

#endif
