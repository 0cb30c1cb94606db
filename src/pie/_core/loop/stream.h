/* Replies that are sent while they are made, and files. No GIL needed. */
#ifndef PIE_STREAM_H
#define PIE_STREAM_H

#include "loop/shared.h"

/* Sends what the worker has made of a reply (`worker->out`), and waits while more than `most` bytes
 * of it are left. By the connection's owner, within a handler. False: the peer is gone, or reads too
 * slowly; nothing more need be made. */
bool connection_stream(Worker *worker, Connection *connection, size_t most);

/* Sends a part of a file behind what was handed over before; the descriptor is the connection's from
 * now on. Another message is not answered until it is gone. By the owner. */
void connection_send_file(Connection *connection, int fd, off_t at, size_t size);

#endif
