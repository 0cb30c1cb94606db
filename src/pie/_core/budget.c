/* The record budget. Twin: pie/observe/budget.py. */
#include "budget.h"

#include "text.h"

static uint32_t remainders[256]; /* of CRC-32 (ISO-HDLC), as zlib.crc32 */

static uint32_t crc32_of(const uint8_t *bytes, size_t size) {
    uint32_t crc = 0xFFFFFFFF;
    for (size_t i = 0; i < size; i++) {
        crc = crc >> 8 ^ remainders[(crc ^ bytes[i]) & 0xFF];
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

double budget_weight(Budget *budget, PyObject *logid, double ended, int64_t duration_us,
                     bool failed) {
    int64_t second = (int64_t)ended;
    if (second > budget->second) {
        budget->seen_before = second == budget->second + 1 ? budget->seen : 0;
        budget->seen = 0;
        budget->second = second;
    }
    budget->seen++;
    if (failed || duration_us >= budget->slow_us) {
        return 1;
    }
    int64_t expected = budget->seen > budget->seen_before ? budget->seen : budget->seen_before;
    if (expected <= budget->per_second) {
        return 1;
    }
    double share = (double)budget->per_second / (double)expected;
    int64_t hash = hash_of(logid);
    if (hash < 0) {
        return -1;
    }
    return (double)hash < share * 4294967296.0 ? 1 / share : 0;
}

void budget_init(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t rest = i;
        for (int bit = 0; bit < 8; bit++) {
            rest = rest >> 1 ^ (rest & 1 ? 0xEDB88320 : 0);
        }
        remainders[i] = rest;
    }
}
