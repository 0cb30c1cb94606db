/* Slots of a shared mapping, in which the numbers of an aggregate outlive their process. The format,
 * and why a kill between any two stores leaves it whole: pie/observe/record/slots.py, which is also
 * the twin of the writer. Guarded by the GIL; runs no Python.
 */
#ifndef PIE_SLOTS_H
#define PIE_SLOTS_H

#include "base/buffer.h"

#define SLOT_SUMS 12
#define SLOT_KEYS 1072
#define SLOT_BUCKETS 640
#define SLOT_USED 2 /* the lowest bit of a used slot's state says which copy holds */

typedef struct {
    int64_t sums[SLOT_SUMS];
    uint32_t bucket, value; /* of the last call: what the histogram holds, or is about to */
} SlotCopy;

typedef struct {
    uint32_t state;
    uint32_t key_size, key_checksum, unused;
    int64_t ts;
    uint64_t sequence;
    uint8_t note[224]; /* written by Python only */
    SlotCopy copies[2];
    uint8_t keys[SLOT_KEYS];
    uint32_t histogram[]; /* SLOT_BUCKETS, or none */
} Slot;

typedef struct {
    Py_buffer memory; /* its obj is NULL: there is no mapping */
    size_t size;      /* of a slot */
    uint32_t count;
    uint32_t *free; /* numbers of free slots; the last is taken first */
    uint32_t free_count;
    uint64_t sequence; /* of the last slot that was opened */
    Buffer scratch;
} Slots;

/* Uses the slots of a writable buffer, all of them free. -1 with an exception set. */
int slots_attach(Slots *slots, PyObject *memory, bool histogram);
/* Leaves the mapping as it is. */
void slots_detach(Slots *slots);

/* Begins the bytes of a key, to be completed by the caller. */
Buffer *slots_key(Slots *slots);
/* A slot that counts for this key; NULL = none is free, or the key is too long. */
Slot *slots_open(Slots *slots, int64_t ts, bool histogram);
void slots_release(Slots *slots, Slot *slot);

/* The slot of a number; NULL = it is none in use. */
Slot *slots_at(const Slots *slots, long number);
long slots_number(const Slots *slots, const Slot *slot);

/* A kill comes between two instructions: only the compiler must keep the order of the stores. */
#define SLOT_ORDER() __atomic_signal_fence(__ATOMIC_SEQ_CST)

static inline const SlotCopy *slot_now(const Slot *slot) {
    return &slot->copies[slot->state & 1];
}

/* The copy that is to hold the sums with one more call. */
static inline SlotCopy *slot_next(Slot *slot) {
    return &slot->copies[~slot->state & 1];
}

/* Makes the next copy hold: this one store counts the call. */
static inline void slot_turn(Slot *slot) {
    SLOT_ORDER();
    slot->state ^= 1;
    SLOT_ORDER();
}

static inline void slot_turn_with_bucket(Slot *slot, uint32_t bucket) {
    SlotCopy *next = slot_next(slot);
    next->bucket = bucket;
    next->value = slot->histogram[bucket] + 1;
    slot_turn(slot);
    slot->histogram[bucket] = next->value;
    SLOT_ORDER();
}

#endif
