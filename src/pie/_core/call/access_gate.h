/* Access: who may call what. Twin: pie/govern/access.py. */
#ifndef PIE_ACCESS_GATE_H
#define PIE_ACCESS_GATE_H

#include "base/core.h"

int access_gate_init(PyObject *module);

#endif
