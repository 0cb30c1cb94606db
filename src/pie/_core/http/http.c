/* HTTP/1.1 on the connections of a loop: finds requests, and has them answered.
 *
 * A request that came in one piece is answered where it lies. One with a body that will fit in memory
 * stays with its connection until it is whole; of any other the head is copied, and the body is taken as
 * it comes. No thread waits for any of it. */
#include "http/http.h"

#include "http/application.h"
#include "http/body.h"
#include "http/proxy.h"
#include "http/refusal.h"
#include "loop/connection.h"
#include "loop/leader.h"
#include "loop/outbox.h"

#define LEAST_RATE 2 /* ms for each byte of a body: 500 bytes a second */

static HttpObject *server_of(const Connection *connection) {
    return atomic_load(&connection->speaker)->server;
}

/* --- A request that is not complete. --- */

/* NULL when there is no memory. */
static Partial *partial_of(Connection *connection) {
    if (connection->progress == NULL) {
        Partial *partial = calloc(1, sizeof *partial);
        if (partial != NULL) {
            partial->body.file = -1;
        }
        connection->progress = partial;
    }
    return connection->progress;
}

static void forget(void *progress) {
    Partial *partial = progress;
    body_drop(&partial->body);
    free(partial->bytes);
    free(partial);
}

/* The request is over; a connection's first header, of a proxy, was read for all of them. */
static void partial_end(Connection *connection) {
    Partial *partial = connection->progress;
    if (partial == NULL) {
        return;
    }
    bool has_proxy = partial->has_proxy;
    forget(partial);
    connection->progress = NULL;
    connection->progress_size = 0;
    if (has_proxy) {
        partial = partial_of(connection);
        if (partial != NULL) {
            partial->has_proxy = true;
        }
    }
}

/* --- Refusals. --- */

static void complain(Worker *worker, Connection *connection, const HttpProblem *problem) {
    PyObject *hook = server_of(connection)->hooks.complain;
    PyEval_RestoreThread(worker->python);
    PyObject *told =
        PyObject_CallFunction(hook, "sis", connection->peer, problem->status, problem->text);
    if (told == NULL) {
        PyErr_WriteUnraisable(hook);
    }
    Py_XDECREF(told);
    worker->python = PyEval_SaveThread();
}

/* What follows is never read as a request. */
static Answer refuse(Worker *worker, Connection *connection, const HttpProblem *problem) {
    complain(worker, connection, problem);
    refusal_write(&worker->out, problem);
    return ANSWER_LAST;
}

static void late(Connection *connection, Buffer *reply) {
    Partial *partial = connection->progress;
    bool in_body = partial != NULL && partial->has_head;
    HttpProblem problem = {408, in_body ? "the body did not come in time"
                                        : "the head did not come in time"};
    refusal_write(reply, &problem);
}

/* --- Bodies. --- */

/* The body has to go on coming at a least rate. */
static void expect_body(Connection *connection, const Partial *partial, uint64_t come) {
    const HttpObject *server = server_of(connection);
    int64_t now = monotonic_ms();
    int64_t ends = partial->body.began + server->body_ms + (int64_t)(come * LEAST_RATE);
    connection_expect(connection, ends > now + server->body_ms ? server->body_ms : ends - now);
}

/* Before the client sends the body, if it waits to be asked. */
static void ask_for_body(Worker *worker, Connection *connection, const RequestHead *head,
                         bool some_came) {
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (head->expects_continue && !some_came &&
        buffer_add(&worker->out, line, sizeof line - 1) == 0) {
        connection_send(connection, &worker->out);
    }
}

static Answer run(Worker *worker, Connection *connection, const RequestHead *head,
                  const uint8_t *bytes, const Input *input, double received) {
    Exchange exchange = {
        .server = server_of(connection),
        .worker = worker,
        .connection = connection,
        .head = head,
        .bytes = bytes,
        .length = -1,
    };
    return application_answer(&exchange, input, received);
}

/* Takes what has come of a body apart from its head; `used` bytes of `data` were the head. */
static Answer take_body(Worker *worker, Connection *connection, Partial *partial,
                        const uint8_t *data, size_t size, size_t used, size_t *taken) {
    HttpObject *server = server_of(connection);
    HttpProblem problem;
    size_t of_body = 0;
    /* It may be written to a disk: another thread leads if that takes long. */
    worker_enter_handler(worker, monotonic_ns(), false);
    BodyState state = body_take(server, partial, data + used, size - used, &of_body, &problem);
    worker_leave_handler(worker);
    *taken = used + of_body;
    connection->progress_size = partial->body.memory.size;
    if (state == BODY_BAD) {
        return refuse(worker, connection, &problem);
    }
    if (state == BODY_MORE) {
        *taken = size;
        expect_body(connection, partial, partial->body.size);
        return ANSWER_TAKEN;
    }
    Body *body = &partial->body;
    Input input = {body->memory.data, body->size, body->file};
    body->file = -1; /* The application's. */
    Answer answer = run(worker, connection, &partial->head, partial->bytes, &input, partial->received);
    partial_end(connection);
    return answer;
}

/* The head is whole, and the body is not: keeps what is needed of both. */
static Answer begin_body(Worker *worker, Connection *connection, const RequestHead *head,
                         const uint8_t *data, size_t size, size_t *taken) {
    const HttpObject *server = server_of(connection);
    Partial *partial = partial_of(connection);
    if (partial == NULL) {
        return ANSWER_BROKEN;
    }
    partial->has_head = true;
    partial->head = *head;
    partial->received = connection_received(connection);
    partial->body.began = monotonic_ms();
    ask_for_body(worker, connection, head, size > head->size);
    partial->apart = head->chunked || (uint64_t)head->content_length > server->memory_limit;
    if (!partial->apart) {
        expect_body(connection, partial, size - head->size);
        return ANSWER_PARTIAL;
    }
    partial->bytes = malloc(head->size);
    if (partial->bytes == NULL) {
        return ANSWER_BROKEN;
    }
    memcpy(partial->bytes, data, head->size);
    return take_body(worker, connection, partial, data, size, head->size, taken);
}

/* --- The protocol. --- */

/* A request with its whole body behind its head. */
static Answer answer_whole(Worker *worker, Connection *connection, const RequestHead *head,
                           const uint8_t *data, double received, size_t *taken) {
    uint64_t size = head->content_length > 0 ? (uint64_t)head->content_length : 0;
    Input input = {data + head->size, size, -1};
    *taken = head->size + size;
    return run(worker, connection, head, data, &input, received);
}

static Answer answer_head(Worker *worker, Connection *connection, const RequestHead *head,
                          const uint8_t *data, size_t size, size_t *taken) {
    const HttpObject *server = server_of(connection);
    if (head->content_length > 0 && (uint64_t)head->content_length > server->body_limit) {
        HttpProblem problem = {413, "the body is longer than this server takes"};
        return refuse(worker, connection, &problem);
    }
    uint64_t length = head->content_length > 0 ? (uint64_t)head->content_length : 0;
    if (head->chunked || size - head->size < length) {
        return begin_body(worker, connection, head, data, size, taken);
    }
    return answer_whole(worker, connection, head, data, connection_received(connection), taken);
}

/* Goes on with a request of which the head is known. */
static Answer go_on(Worker *worker, Connection *connection, Partial *partial, const uint8_t *data,
                    size_t size, size_t *taken) {
    if (partial->apart) {
        return take_body(worker, connection, partial, data, size, 0, taken);
    }
    uint64_t come = size - partial->head.size;
    if (come < (uint64_t)partial->head.content_length) {
        expect_body(connection, partial, come);
        return ANSWER_PARTIAL;
    }
    Answer answer = answer_whole(worker, connection, &partial->head, data, partial->received, taken);
    partial_end(connection);
    return answer;
}

/* The proxy's header before the first request: ANSWER_READY = there is none, or it was read. */
static Answer read_proxy(Worker *worker, Connection *connection, const uint8_t *data, size_t size,
                         size_t *taken) {
    ProxyHeader header;
    HttpProblem problem;
    Partial *partial = partial_of(connection);
    if (partial == NULL) {
        return ANSWER_BROKEN;
    }
    if (!networks_have_peer(&server_of(connection)->networks, connection->peer)) {
        partial->has_proxy = true;
        return ANSWER_READY;
    }
    switch (proxy_read(data, size, &header, &problem)) {
    case PROXY_PARTIAL:
        return ANSWER_PARTIAL;
    case PROXY_BAD:
        return refuse(worker, connection, &problem);
    case PROXY_WHOLE:
        *taken = header.size;
        if (header.peer[0] != 0) {
            snprintf(connection->peer, sizeof connection->peer, "%s", header.peer);
        }
        break;
    default:
        break;
    }
    partial->has_proxy = true;
    return ANSWER_READY;
}

static Answer read_head(Worker *worker, Connection *connection, const uint8_t *data, size_t size,
                        size_t *taken) {
    RequestHead head;
    HeadScan first = {0};
    HttpProblem problem;
    Partial *partial = connection->progress;
    HeadScan *scan = partial == NULL ? &first : &partial->scan;
    switch (head_read(data, size, &HEAD_LIMITS, scan, &head, &problem)) {
    case HEAD_BAD:
        return refuse(worker, connection, &problem);
    case HEAD_PARTIAL:
        partial = partial_of(connection);
        if (partial == NULL) {
            return ANSWER_BROKEN;
        }
        partial->scan = *scan;
        return ANSWER_PARTIAL;
    default:
        break;
    }
    Answer answer = answer_head(worker, connection, &head, data, size, taken);
    if (answer == ANSWER_READY && connection->progress != NULL) {
        partial_end(connection);
    }
    return answer;
}

static Answer answer(Worker *worker, Connection *connection, const uint8_t *data, size_t size,
                     size_t *taken) {
    Partial *partial = connection->progress;
    if (UNLIKELY(partial != NULL && partial->has_head)) {
        return go_on(worker, connection, partial, data, size, taken);
    }
    if (UNLIKELY(server_of(connection)->proxied && (partial == NULL || !partial->has_proxy))) {
        Answer read = read_proxy(worker, connection, data, size, taken);
        if (read != ANSWER_READY || *taken > 0) {
            return read == ANSWER_READY ? ANSWER_TAKEN : read;
        }
    }
    return read_head(worker, connection, data, size, taken);
}

/* A method's name, or the header of a proxy. */
static Speaks speaks(const uint8_t *data, size_t size) {
    static const uint8_t proxy[] = "\r\n\r\n";
    if (data[0] == '\r') {
        size_t most = size < sizeof proxy - 1 ? size : sizeof proxy - 1;
        return memcmp(data, proxy, most) != 0 ? SPEAKS_NOT : most == 4 ? SPEAKS : SPEAKS_PERHAPS;
    }
    return data[0] > ' ' && data[0] < 0x7f ? SPEAKS : SPEAKS_NOT;
}

const LoopProtocol http_protocol = {
    .speaks = speaks, .answer = answer, .late = late, .forget = forget};
