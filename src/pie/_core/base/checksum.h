/* CRC-32 (ISO-HDLC), as zlib.crc32. */
#ifndef PIE_CHECKSUM_H
#define PIE_CHECKSUM_H

#include "base/core.h"

uint32_t crc32_of(const uint8_t *bytes, size_t size);

void checksum_init(void);

#endif
