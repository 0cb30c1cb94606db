/* One bound for the bytes that wait in the connections of a loop. */
#include "loop/crowd.h"

static void count(Connection *connection, atomic_llong *counted, size_t size) {
    long long before = atomic_load_explicit(counted, memory_order_relaxed);
    if (UNLIKELY((long long)size != before)) {
        atomic_store(counted, (long long)size);
        atomic_fetch_add(&connection->loop->held, (long long)size - before);
    }
}

void crowd_count_rest(Connection *connection) {
    count(connection, &connection->rest_held, connection->rest.size + connection->progress_size);
}

void crowd_count_pending(Connection *connection) {
    bool waits = atomic_load(&connection->blocked);
    count(connection, &connection->pending_held, waits ? connection->pending.size : 0);
}

void crowd_leave(Connection *connection) {
    count(connection, &connection->rest_held, 0);
    count(connection, &connection->pending_held, 0);
}

long long crowd_held(Connection *connection) {
    return atomic_load(&connection->rest_held) + atomic_load(&connection->pending_held);
}

/* Bytes times the milliseconds since the peer last sent something. */
static double weight(Connection *connection, int64_t now) {
    return (double)crowd_held(connection) * (double)(now - atomic_load(&connection->used) + 1);
}

Connection *crowd_heaviest(Loop *loop, Connection *own) {
    int64_t now = monotonic_ms();
    Connection *found;
    pthread_mutex_lock(&loop->mutex);
    do { /* Again when another thread takes the one that was found. */
        found = own;
        double most = own == NULL ? 0 : weight(own, now);
        for (Connection *each = loop->open; each != NULL; each = each->next) {
            double weighs = weight(each, now);
            bool heavier = weighs > 0 && weighs >= most; /* Of two alike, the older one. */
            if (heavier && atomic_load(&each->state) == CONNECTION_IDLE) {
                found = each;
                most = weighs;
            }
        }
    } while (found != own && !connection_take(found));
    pthread_mutex_unlock(&loop->mutex);
    return found;
}
