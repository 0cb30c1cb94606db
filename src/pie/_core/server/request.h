/* One request, from its frame to the end of its handler. Twin: pie/rpc/server/dispatch.py, which also
 * answers what is unusual: unknown methods, messages that are no calls. */
#ifndef PIE_REQUEST_H
#define PIE_REQUEST_H

#include "server/server_object.h"

/* With the GIL. The reply goes into the worker's `out`. ANSWER_BROKEN with `*damaged` = the frame
 * cannot be read. */
Answer request_answer(ServerObject *server, Worker *worker, Connection *connection,
                      const uint8_t *data, size_t size, const FrameView *view,
                      const MessageHead *head, bool *damaged);

#endif
