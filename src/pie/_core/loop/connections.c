/* The sets that connections of a loop are in: open, queued, ended. */
#include "loop/connections.h"

#include <sys/eventfd.h>

void connections_add(Loop *loop, Connection *connection) {
    pthread_mutex_lock(&loop->mutex);
    connection->next = loop->open;
    if (loop->open != NULL) {
        loop->open->previous = connection;
    }
    loop->open = connection;
    pthread_mutex_unlock(&loop->mutex);
    atomic_fetch_add(&loop->open_count, 1);
}

void connections_remove(Loop *loop, Connection *connection) {
    pthread_mutex_lock(&loop->mutex);
    if (connection->previous != NULL) {
        connection->previous->next = connection->next;
    } else {
        loop->open = connection->next;
    }
    if (connection->next != NULL) {
        connection->next->previous = connection->previous;
    }
    pthread_mutex_unlock(&loop->mutex);
    if (atomic_fetch_sub(&loop->open_count, 1) == 1 && atomic_load(&loop->draining)) {
        eventfd_write(loop->wake, 1);
    }
}

void connections_queue(Loop *loop, Connection *connection) {
    /* What was received already raises no event: its next owner must look for it. */
    atomic_fetch_or(&connection->events, (unsigned)EPOLLIN);
    pthread_mutex_lock(&loop->mutex);
    connection->next_queued = NULL;
    *loop->queue_end = connection;
    loop->queue_end = &connection->next_queued;
    pthread_mutex_unlock(&loop->mutex);
    if (atomic_fetch_add(&loop->queue_count, 1) == 0) {
        eventfd_write(loop->wake, 1); /* The leader may be waiting for events. */
    }
}

Connection *connections_next_queued(Loop *loop) {
    if (atomic_load(&loop->queue_count) == 0) {
        return NULL;
    }
    pthread_mutex_lock(&loop->mutex);
    Connection *connection = loop->queue;
    if (connection != NULL) {
        loop->queue = connection->next_queued;
        if (loop->queue == NULL) {
            loop->queue_end = &loop->queue;
        }
        atomic_fetch_sub(&loop->queue_count, 1);
    }
    pthread_mutex_unlock(&loop->mutex);
    return connection;
}

void connections_bury(Loop *loop, Connection *connection) {
    pthread_mutex_lock(&loop->mutex);
    connection->next = loop->buried;
    loop->buried = connection;
    pthread_mutex_unlock(&loop->mutex);
}

void connections_free_buried(Loop *loop) {
    if (atomic_load_explicit(&loop->buried, memory_order_relaxed) == NULL) {
        return;
    }
    pthread_mutex_lock(&loop->mutex);
    Connection *each = loop->buried;
    loop->buried = NULL;
    pthread_mutex_unlock(&loop->mutex);
    while (each != NULL) {
        Connection *next = each->next;
        free(each);
        each = next;
    }
}
