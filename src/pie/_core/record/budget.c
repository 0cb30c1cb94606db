/* The record budget. Twin: pie/observe/record/budget.py. */
#include "record/budget.h"

#include "base/text.h"

#define CLOCK_SET_BACK 10

/* Of CRC-32 (ISO-HDLC), as zlib.crc32; [n] is for a byte that n others follow, so that four bytes
 * are looked up at once (Kounavis and Berry 2005). */
static uint32_t remainders[4][256];

static uint32_t crc32_of(const uint8_t *bytes, size_t size) {
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

/* -1 = no memory. */
static int64_t hash_of(PyObject *logid) {
    if (LIKELY(PyUnicode_IS_ASCII(logid))) {
        return crc32_of(PyUnicode_1BYTE_DATA(logid), PyUnicode_GET_LENGTH(logid));
    }
    Buffer bytes = {0};
    int64_t hash = text_add(&bytes, logid) < 0 ? -1 : (int64_t)crc32_of(bytes.data, bytes.size);
    buffer_free(&bytes);
    return hash;
}

static double weight_of(Share *of, PyObject *logid, int64_t second) {
    if (second > of->second || second < of->second - CLOCK_SET_BACK) {
        of->seen_before = second == of->second + 1 ? of->seen : 0;
        of->seen = 0;
        of->second = second;
    }
    of->seen++;
    int64_t expected = of->seen > of->seen_before ? of->seen : of->seen_before;
    if (expected <= of->per_second) {
        return 1;
    }
    double share = (double)of->per_second / (double)expected;
    int64_t hash = hash_of(logid);
    if (hash < 0) {
        return -1;
    }
    return (double)hash < share * 4294967296.0 ? 1 / share : 0;
}

double budget_weight(Budget *budget, PyObject *logid, double ended, int64_t duration_us,
                     bool failed) {
    bool notable = failed || duration_us >= budget->slow_us;
    return weight_of(notable ? &budget->notable : &budget->ordinary, logid, (int64_t)ended);
}

void budget_init(void) {
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
