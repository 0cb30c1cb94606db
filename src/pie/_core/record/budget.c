/* The record budget. Twin: pie/observe/record/budget.py. */
#include "record/budget.h"

#include "base/text.h"
#include "base/checksum.h"

#define CLOCK_SET_BACK 10

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
