/* Records that wait for the writer. */
#include "record/ring.h"

_Static_assert(sizeof(Half) == 256, "the format of halves.py");

#define QUARTER 900.0
#define KEEP ((size_t)1 << 20)

/* A kill comes between two instructions: only the compiler must keep the order of the stores. */
#define ORDER() __atomic_signal_fence(__ATOMIC_SEQ_CST)

Buffer *ring_open(Ring *ring) {
    if (ring->bytes.size >= ring->limit) {
        ring->lost++;
        return NULL;
    }
    return &ring->bytes;
}

static int new_segment(Ring *ring, int64_t quarter, double ts) {
    if (ring->count == ring->capacity) {
        size_t capacity = ring->capacity ? ring->capacity * 2 : 4;
        Segment *more = realloc(ring->segments, capacity * sizeof *more);
        if (more == NULL) {
            return -1;
        }
        ring->segments = more;
        ring->capacity = capacity;
    }
    ring->segments[ring->count++] = (Segment){quarter, ts, 0};
    return 0;
}

static size_t half_size(const Ring *ring) {
    return (size_t)ring->memory.len / 2;
}

static Half *half_at(const Ring *ring, int number) {
    return (Half *)((uint8_t *)ring->memory.buf + (size_t)number * half_size(ring));
}

/* Whether the half that fills had room for what stands in the private buffer. */
static bool keep_in_half(Ring *ring, int64_t quarter, double ts) {
    Half *half = half_at(ring, ring->filling);
    size_t used = half->used;
    if (ring->bytes.size > half_size(ring) - sizeof *half - used ||
        (used != 0 && quarter != ring->half_quarter)) {
        return false;
    }
    if (used == 0) {
        ring->half_quarter = quarter;
        half->ts = ts;
        memset(half->written, 0, sizeof half->written);
    }
    memcpy((uint8_t *)(half + 1) + used, ring->bytes.data, ring->bytes.size);
    ORDER();
    half->used = used + ring->bytes.size;
    ORDER();
    return true;
}

void ring_close(Ring *ring, size_t begin, bool whole, double ts) {
    int64_t quarter = (int64_t)floor(ts / QUARTER);
    whole = whole && ring->bytes.size <= ring->limit;
    /* Lines stay in order: what waits in private memory is written after the half. */
    if (LIKELY(whole && begin == 0 && ring->filling >= 0) && keep_in_half(ring, quarter, ts)) {
        ring->bytes.size = 0;
        return;
    }
    if (whole && (ring->count == 0 || ring->segments[ring->count - 1].quarter != quarter)) {
        whole = new_segment(ring, quarter, ts) == 0;
    }
    if (!whole) {
        ring->bytes.size = begin;
        ring->lost++;
        return;
    }
    ring->segments[ring->count - 1].end = ring->bytes.size;
    ring->records++;
}

static PyObject *batches_of(const Ring *taken) {
    PyObject *batches = PyList_New(0);
    size_t begin = 0;
    for (size_t i = 0; batches != NULL && i < taken->count; i++) {
        const Segment *each = &taken->segments[i];
        PyObject *batch = Py_BuildValue("(dy#)", each->ts, (char *)taken->bytes.data + begin,
                                        (Py_ssize_t)(each->end - begin));
        if (batch == NULL || PyList_Append(batches, batch) < 0) {
            Py_CLEAR(batches);
        }
        Py_XDECREF(batch);
        begin = each->end;
    }
    return batches;
}

PyObject *ring_take(Ring *ring) {
    /* Making objects may run Python, which may record calls: they go into an empty ring. */
    Ring taken = *ring;
    *ring = (Ring){.limit = taken.limit,
                   .lost = taken.lost,
                   .memory = taken.memory,
                   .filling = taken.filling,
                   .half_quarter = taken.half_quarter};
    PyObject *batches = batches_of(&taken);
    if (batches == NULL) {
        ring->lost += taken.records;
    }
    free(taken.segments);
    buffer_reset(&taken.bytes, KEEP);
    if (ring->bytes.data == NULL) {
        ring->bytes = taken.bytes;
    } else {
        buffer_free(&taken.bytes);
    }
    return batches;
}

int ring_attach(Ring *ring, PyObject *memory) {
    Py_buffer given;
    if (PyObject_GetBuffer(memory, &given, PyBUF_WRITABLE) < 0) {
        return -1;
    }
    if (given.len < (Py_ssize_t)(4 * sizeof(Half)) || given.len % 16 != 0 ||
        (uintptr_t)given.buf % 8 != 0 || ring->memory.obj != NULL) {
        PyBuffer_Release(&given);
        PyErr_SetString(PyExc_ValueError, "a ring takes two aligned halves, once");
        return -1;
    }
    ring->memory = given;
    ring->filling = 0;
    return 0;
}

PyObject *ring_take_half(Ring *ring) {
    if (ring->memory.obj == NULL || ring->filling < 0 || half_at(ring, ring->filling)->used == 0) {
        Py_RETURN_NONE;
    }
    int number = ring->filling, other = 1 - number;
    const Half *half = half_at(ring, number);
    ring->filling = half_at(ring, other)->used == 0 ? other : -1;
    return Py_BuildValue("(dy#i)", half->ts, (const char *)(half + 1), (Py_ssize_t)half->used,
                         number);
}

int ring_release_half(Ring *ring, long number) {
    if (ring->memory.obj == NULL || number < 0 || number > 1 || number == ring->filling ||
        half_at(ring, (int)number)->used == 0) {
        PyErr_Format(PyExc_ValueError, "half %ld is not in use", number);
        return -1;
    }
    ORDER();
    half_at(ring, (int)number)->used = 0;
    ORDER();
    if (ring->filling < 0) {
        ring->filling = (int)number;
    }
    return 0;
}

void ring_clear(Ring *ring) {
    free(ring->segments);
    buffer_free(&ring->bytes);
    if (ring->memory.obj != NULL) {
        PyBuffer_Release(&ring->memory);
    }
    *ring = (Ring){.limit = ring->limit, .lost = ring->lost, .filling = -1};
}
