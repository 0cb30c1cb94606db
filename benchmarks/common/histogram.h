/* Latencies by size: 128 buckets for every doubling, so a percentile is right within 1 %. */
#ifndef PIE_BENCH_HISTOGRAM_H
#define PIE_BENCH_HISTOGRAM_H

#include <stdint.h>

enum { SUB_BITS = 7, SUB = 1 << SUB_BITS, BUCKETS = (64 - SUB_BITS + 1) * SUB };

struct histogram {
    uint64_t count, largest;
    uint64_t buckets[BUCKETS];
};

static inline void record(struct histogram *all, uint64_t value)
{
    int shift = value < SUB ? 0 : 63 - __builtin_clzll(value) - SUB_BITS;
    all->buckets[(uint64_t)shift * SUB + (value >> shift)]++;
    all->count++;
    if (value > all->largest)
        all->largest = value;
}

/* The value that a share of all values does not exceed; 0 for none. */
static inline uint64_t percentile(const struct histogram *all, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)all->count + 0.5), seen = 0;
    for (uint64_t i = 0; i < BUCKETS; i++) {
        seen += all->buckets[i];
        if (all->buckets[i] && seen >= wanted) {
            uint64_t shift = i < 2 * SUB ? 0 : i / SUB - 1;
            return ((i - shift * SUB) << shift) + ((1ull << shift) >> 1);
        }
    }
    return 0;
}

#endif
