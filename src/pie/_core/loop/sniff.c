/* Several protocols on one port: the first bytes of a connection tell which it speaks. */
#include "loop/sniff.h"

/* What cannot be told is the first speaker's, which says what is wrong. */
static const Speaker *choose(const Loop *loop, const uint8_t *data, size_t size) {
    bool perhaps = false;
    for (int i = 0; i < loop->speaker_count; i++) {
        const Speaker *speaker = &loop->speakers[i];
        Speaks speaks = speaker->protocol->speaks(data, size);
        if (speaks == SPEAKS) {
            return speaker;
        }
        perhaps |= speaks == SPEAKS_PERHAPS;
    }
    return perhaps ? NULL : &loop->speakers[0];
}

static Answer answer(Worker *worker, Connection *connection, const uint8_t *data, size_t size,
                     size_t *taken) {
    const Speaker *speaker = choose(connection->loop, data, size);
    if (speaker == NULL) {
        return ANSWER_PARTIAL;
    }
    connection->speaker = speaker;
    return speaker->protocol->answer(worker, connection, data, size, taken);
}

static const LoopProtocol undecided = {.answer = answer};

static int64_t least(int64_t one, int64_t other) {
    return one < other ? one : other;
}

void sniff_open(Loop *loop) {
    loop->undecided = loop->speakers[0];
    loop->undecided.protocol = &undecided;
    for (int i = 1; i < loop->speaker_count; i++) {
        const Speaker *each = &loop->speakers[i];
        loop->undecided.idle_ms = least(loop->undecided.idle_ms, each->idle_ms);
        loop->undecided.read_ms = least(loop->undecided.read_ms, each->read_ms);
    }
}
