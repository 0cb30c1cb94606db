/* Slots of a shared mapping. Twin: pie/observe/record/slots.py. */
#include "record/slots.h"

#include "base/checksum.h"

_Static_assert(sizeof(Slot) == 1536, "the format of slots.py");
_Static_assert(offsetof(Slot, copies) == 256, "the format of slots.py");
_Static_assert(offsetof(Slot, keys) == 464, "the format of slots.py");

#define IDENTITY 16 /* bytes of ts and sequence, which the checksum covers too */

static size_t size_of(bool histogram) {
    return sizeof(Slot) + (histogram ? SLOT_BUCKETS * sizeof(uint32_t) : 0);
}

int slots_attach(Slots *slots, PyObject *memory, bool histogram) {
    Py_buffer given;
    if (PyObject_GetBuffer(memory, &given, PyBUF_WRITABLE) < 0) {
        return -1;
    }
    size_t size = size_of(histogram);
    if (given.len <= 0 || given.len % size != 0 || given.len / size > UINT16_MAX ||
        (uintptr_t)given.buf % 8 != 0) {
        PyBuffer_Release(&given);
        PyErr_Format(PyExc_ValueError, "slots take a multiple of %zu aligned bytes", size);
        return -1;
    }
    uint32_t count = (uint32_t)(given.len / size);
    uint32_t *free_slots = malloc(count * sizeof *free_slots);
    if (free_slots == NULL) {
        PyBuffer_Release(&given);
        PyErr_NoMemory();
        return -1;
    }
    slots_detach(slots);
    slots->memory = given;
    slots->size = size;
    slots->count = slots->free_count = count;
    slots->free = free_slots;
    for (uint32_t i = 0; i < count; i++) {
        free_slots[i] = count - 1 - i;
    }
    return 0;
}

void slots_detach(Slots *slots) {
    if (slots->memory.obj != NULL) {
        PyBuffer_Release(&slots->memory);
    }
    free(slots->free);
    buffer_free(&slots->scratch);
    *slots = (Slots){0};
}

Buffer *slots_key(Slots *slots) {
    slots->scratch.size = 0;
    uint64_t sequence = slots->sequence + 1;
    static const int64_t no_ts;
    if (slots->free_count == 0 || buffer_add(&slots->scratch, &no_ts, sizeof no_ts) < 0 ||
        buffer_add(&slots->scratch, &sequence, sizeof sequence) < 0) {
        return NULL;
    }
    return &slots->scratch;
}

Slot *slots_open(Slots *slots, int64_t ts, bool histogram) {
    size_t key_size = slots->scratch.size - IDENTITY;
    if (key_size > SLOT_KEYS) {
        return NULL;
    }
    uint8_t *identity = slots->scratch.data;
    memcpy(identity, &ts, sizeof ts);
    uint32_t number = slots->free[--slots->free_count];
    Slot *slot = (Slot *)((uint8_t *)slots->memory.buf + number * slots->size);
    slot->key_size = (uint32_t)key_size;
    slot->key_checksum = crc32_of(identity, slots->scratch.size);
    slot->ts = ts;
    slot->sequence = ++slots->sequence;
    memset(slot->note, 0, sizeof slot->note);
    memset(slot->copies, 0, sizeof slot->copies);
    memcpy(slot->keys, identity + IDENTITY, key_size);
    if (histogram) {
        memset(slot->histogram, 0, SLOT_BUCKETS * sizeof *slot->histogram);
    }
    SLOT_ORDER();
    slot->state = SLOT_USED;
    SLOT_ORDER();
    return slot;
}

void slots_release(Slots *slots, Slot *slot) {
    SLOT_ORDER();
    slot->state = 0;
    SLOT_ORDER();
    slots->free[slots->free_count++] = (uint32_t)slots_number(slots, slot);
}

Slot *slots_at(const Slots *slots, long number) {
    if (slots->memory.obj == NULL || number < 0 || number >= (long)slots->count) {
        return NULL;
    }
    Slot *slot = (Slot *)((uint8_t *)slots->memory.buf + (size_t)number * slots->size);
    return slot->state == 0 ? NULL : slot;
}

long slots_number(const Slots *slots, const Slot *slot) {
    return (long)(((const uint8_t *)slot - (const uint8_t *)slots->memory.buf) / slots->size);
}
