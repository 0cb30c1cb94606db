/* A uuid.UUID and its 16 bytes. */
#ifndef PIE_UUID_H
#define PIE_UUID_H

#include "base/core.h"

#define UUID_SIZE 16

/* 0 with the bytes of a UUID, or -1 with an exception set. */
int uuid_to_bytes(uint8_t *out, PyObject *value);
/* The UUID of these bytes; NULL with an exception set. */
PyObject *uuid_from_bytes(const uint8_t *bytes);

#endif
