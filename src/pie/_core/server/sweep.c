/* Ending connections that are idle for too long, or too slow. */
#include "server/sweep.h"

#include <sys/socket.h>

#include "server/connection.h"
#include "server/outbox.h"

#define DRAIN_IDLE_MS 300   /* a request that is on its way is still answered */
#define DRAIN_LAST_MS 1000  /* close a busy connection between requests, not inside one */

static bool over(long long since, int64_t now, int64_t limit) {
    return since != 0 && now - since > limit;
}

static bool is_late(Connection *connection, int64_t now) {
    int64_t transfer = connection->loop->limits.transfer_ms;
    return over(atomic_load(&connection->frame_begun), now, transfer) ||
           over(atomic_load(&connection->write_begun), now, transfer);
}

static bool is_idle(Connection *connection, int64_t now, int64_t idle) {
    if (connection_owes(connection)) {
        return false;
    }
    if (atomic_load(&connection->heard_all)) {
        return true;
    }
    uint8_t byte;
    return atomic_load(&connection->frame_begun) == 0 &&
           over(atomic_load(&connection->used), now, idle) &&
           /* A request may have come that was not read yet. */
           recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

/* Ends connections that are idle for too long, or too slow. Collects under the mutex, ends outside
 * of it: no other thread frees a connection while this one leads. */
void sweep(Loop *loop, int64_t now) {
    bool draining = atomic_load(&loop->draining);
    bool cut = draining && now > atomic_load(&loop->drain_end);
    bool last = draining && now > atomic_load(&loop->drain_end) - DRAIN_LAST_MS;
    int64_t idle = last ? -1 : draining ? DRAIN_IDLE_MS : loop->limits.idle_ms;
    Connection *found = NULL;
    pthread_mutex_lock(&loop->mutex);
    for (Connection *each = loop->open; each != NULL; each = each->next) {
        if (cut) {
            shutdown(each->fd, SHUT_RDWR);
        }
        if ((cut || is_late(each, now) || is_idle(each, now, idle)) && connection_take(each)) {
            each->next_queued = found;
            found = each;
        }
    }
    pthread_mutex_unlock(&loop->mutex);
    while (found != NULL) {
        Connection *next = found->next_queued;
        connection_end(found);
        found = next;
    }
    loop->swept = now;
}
