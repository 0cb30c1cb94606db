/* The end of a connection after its last reply. */
#include "loop/linger.h"

static Answer drop(Worker *worker, Connection *connection, const uint8_t *data, size_t size,
                   size_t *taken) {
    /* The sweep finds no time to end a connection that is never idle. */
    if (monotonic_ms() > atomic_load(&connection->read_ends)) {
        return ANSWER_BROKEN;
    }
    *taken = size;
    return ANSWER_TAKEN;
}

static const LoopProtocol dropping = {.answer = drop};
static const Speaker lingering = {.protocol = &dropping, .read_ms = LINGER_MS, .write_ms = LINGER_MS};

void linger_begin(Connection *connection) {
    if (connection->progress != NULL) {
        connection->speaker->protocol->forget(connection->progress);
        connection->progress = NULL;
        connection->progress_size = 0;
    }
    connection->speaker = &lingering;
    atomic_store(&connection->read_ends, monotonic_ms() + LINGER_MS);
    atomic_store(&connection->last, true);
}
