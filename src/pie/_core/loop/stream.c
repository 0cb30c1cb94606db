/* Replies that are sent while they are made, and files. */
#include "loop/stream.h"

#include <poll.h>
#include <unistd.h>

#include "loop/outbox.h"

#define LOOK_MS 200 /* whether the connection was shut, or the loop has finished */

static size_t waiting(Connection *connection) {
    pthread_mutex_lock(&connection->writing);
    size_t size = connection->pending.size - connection->pending_at + connection->file.left;
    pthread_mutex_unlock(&connection->writing);
    return size;
}

bool connection_stream(Worker *worker, Connection *connection, size_t most) {
    Loop *loop = connection->loop;
    connection_send(connection, &worker->out);
    while (waiting(connection) > most && !atomic_load(&connection->broken)) {
        int64_t ends = atomic_load(&connection->write_ends);
        int64_t left = ends == 0 ? LOOK_MS : ends - monotonic_ms(); /* Another thread sent it all. */
        if (left <= 0 || atomic_load(&loop->finished)) {
            connection_hang_up(connection);
            break;
        }
        struct pollfd writable = {.fd = connection->fd, .events = POLLOUT};
        poll(&writable, 1, left < LOOK_MS ? (int)left : LOOK_MS);
        connection_flush(connection);
    }
    return !atomic_load(&connection->broken);
}

void connection_send_file(Connection *connection, int fd, off_t at, size_t size) {
    pthread_mutex_lock(&connection->writing);
    if (size == 0 || connection->file.left > 0) {
        close(fd);
    } else {
        connection->file = (FileTail){.fd = fd, .at = at, .left = size};
    }
    pthread_mutex_unlock(&connection->writing);
    connection_flush(connection);
}
