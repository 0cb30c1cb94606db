/* When received bytes came to this machine. While all threads are busy, the watchdog looks for new
 * bytes every millisecond and notes how many wait in each socket. Where it does not (handlers are
 * coroutines, the connection was just accepted), TCP knows when the last of them came. */
#include "loop/arrivals.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define TICK_MS 4 /* of the clock by which TCP counts, at most */

/* Notes what waits. Of two notes in a row the later one is right for all bytes of both, so when there
 * is no room for another, every second one goes. */
static void note(Connection *connection, double now) {
    int waiting;
    if (ioctl(connection->fd, FIONREAD, &waiting) < 0 || waiting <= 0) {
        return;
    }
    int count = atomic_load(&connection->noted);
    if (count == NOTES) {
        for (count = 0; count < NOTES / 2; count++) {
            connection->notes[count] = connection->notes[2 * count + 1];
        }
    }
    connection->notes[count] = (Arrival){now, (size_t)waiting};
    atomic_store(&connection->noted, count + 1);
}

/* Puts an event that was just read at `from` with those before it: one for each connection. */
static void keep(Loop *loop, int from) {
    struct epoll_event *event = &loop->events[from];
    for (int i = 0; i < loop->event_count; i++) {
        if (loop->events[i].data.ptr == event->data.ptr) {
            loop->events[i].events |= event->events;
            return;
        }
    }
    loop->events[loop->event_count++] = *event;
}

void arrivals_note(Loop *loop) {
    pthread_mutex_lock(&loop->mutex); /* No thread becomes the leader meanwhile. */
    if ((atomic_load(&loop->leadership) & 3) == PHASE_VACANT) {
        int before = loop->event_count - loop->event_at;
        memmove(loop->events, loop->events + loop->event_at, (size_t)before * sizeof *loop->events);
        loop->event_at = 0;
        loop->event_count = before;
        int room = EVENTS_KEPT - before;
        int count = room > 0 ? epoll_wait(loop->epoll, loop->events + before, room, 0) : 0;
        double now = (double)monotonic_ns() * 1e-9;
        for (int i = before; i < before + count; i++) {
            void *of = loop->events[i].data.ptr;
            if (of != &loop->listener && of != &loop->wake) {
                note(of, now);
            }
            keep(loop, i);
        }
    }
    pthread_mutex_unlock(&loop->mutex);
}

void arrivals_take(Connection *connection) {
    connection->arrival_count = 0;
    if (LIKELY(atomic_load(&connection->noted) == 0)) {
        return;
    }
    Loop *loop = connection->loop;
    pthread_mutex_lock(&loop->mutex);
    int count = atomic_load(&connection->noted);
    for (int i = 0; i < count; i++) {
        /* One that is older is of bytes that were received then, before they could be taken. */
        if (connection->notes[i].at >= connection->received) {
            connection->arrivals[connection->arrival_count++] = connection->notes[i];
        }
    }
    atomic_store(&connection->noted, 0);
    pthread_mutex_unlock(&loop->mutex);
}

void arrivals_ask(Connection *connection, size_t size) {
    struct tcp_info info;
    socklen_t length = sizeof info;
    if (getsockopt(connection->fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0 ||
        length <= offsetof(struct tcp_info, tcpi_last_data_recv) ||
        info.tcpi_last_data_recv <= TICK_MS) {
        return; /* No TCP, or it has just come. */
    }
    double waited = (info.tcpi_last_data_recv - TICK_MS) * 1e-3;
    connection->arrivals[0] = (Arrival){connection->received - waited, size};
    connection->arrival_count = 1;
}

double arrivals_of(const Connection *connection, size_t at) {
    if (at < connection->carried) {
        return connection->begun;
    }
    for (int i = 0; i < connection->arrival_count; i++) {
        if (at - connection->carried < connection->arrivals[i].bytes) {
            return connection->arrivals[i].at;
        }
    }
    return connection->received;
}
