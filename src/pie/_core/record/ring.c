/* Records that wait for the writer. */
#include "record/ring.h"

#define QUARTER 900.0
#define KEEP ((size_t)1 << 20)

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

void ring_close(Ring *ring, size_t begin, bool whole, double ts) {
    int64_t quarter = (int64_t)floor(ts / QUARTER);
    whole = whole && ring->bytes.size <= ring->limit;
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
    *ring = (Ring){.limit = taken.limit, .lost = taken.lost};
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

void ring_clear(Ring *ring) {
    free(ring->segments);
    buffer_free(&ring->bytes);
    *ring = (Ring){.limit = ring->limit, .lost = ring->lost};
}
