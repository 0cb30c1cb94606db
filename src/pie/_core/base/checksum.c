/* CRC-32 (ISO-HDLC), as zlib.crc32. */
#include "base/checksum.h"

/* [n] is for a byte that n others follow, so that four bytes
 * are looked up at once (Kounavis and Berry 2005). */
static uint32_t remainders[4][256];

uint32_t crc32_of(const uint8_t *bytes, size_t size) {
    uint32_t crc = 0xFFFFFFFF;
    for (; size >= 4; size -= 4, bytes += 4) {
        crc ^= bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
        crc = remainders[3][crc & 0xFF] ^ remainders[2][crc >> 8 & 0xFF] ^
              remainders[1][crc >> 16 & 0xFF] ^ remainders[0][crc >> 24];
    }
    for (; size > 0; size--) {
        crc = crc >> 8 ^ remainders[0][(crc ^ *bytes++) & 0xFF];
    }
    return ~crc;
}

void checksum_init(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t rest = i;
        for (int bit = 0; bit < 8; bit++) {
            rest = rest >> 1 ^ (rest & 1 ? 0xEDB88320 : 0);
        }
        remainders[0][i] = rest;
    }
    for (int behind = 1; behind < 4; behind++) {
        for (int i = 0; i < 256; i++) {
            uint32_t before = remainders[behind - 1][i];
            remainders[behind][i] = before >> 8 ^ remainders[0][before & 0xFF];
        }
    }
}
