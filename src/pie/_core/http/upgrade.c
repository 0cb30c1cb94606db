/* A connection that an application takes over: WebSocket, say, which libraries speak on the socket that
 * they find in the environ. Most applications ignore that a client would change the protocol, so the
 * socket stays the loop's until it is used (pie.web.server.upgraded). */
#include "http/upgrade.h"

#include "loop/connection.h"
#include "loop/outbox.h"

static PyObject *socket_key, *finish_name;

int upgrade_init(void) {
    socket_key = PyUnicode_InternFromString("gunicorn.socket");
    finish_name = PyUnicode_InternFromString("finish");
    return socket_key == NULL || finish_name == NULL ? -1 : 0;
}

/* Whether the client waits for what becomes of its request: bytes that followed would be lost. */
static bool is_waited_for(const Exchange *exchange) {
    const Connection *connection = exchange->connection;
    return exchange->head->verb == VERB_GET &&
           connection->total - connection->at == exchange->head->size;
}

int upgrade_offer(Exchange *exchange, PyObject *environ, PyObject *start_response) {
    if (!is_waited_for(exchange)) {
        return 0;
    }
    exchange->late_socket = PyObject_CallOneArg(exchange->server->late_socket, start_response);
    return exchange->late_socket == NULL
               ? -1
               : PyDict_SetItem(environ, socket_key, exchange->late_socket);
}

int upgrade_take(Exchange *exchange) {
    Connection *connection = exchange->connection;
    if (exchange->late_socket == NULL || exchange->begun || loop_is_copy(connection->loop)) {
        PyErr_SetString(PyExc_OSError, "this connection cannot be taken over: its reply has begun, or "
                                       "its request does not ask for another protocol");
        return -1;
    }
    connection_flush(connection); /* Replies to earlier requests. */
    if (connection_owes(connection) || exchange->worker->out.size > 0) {
        PyErr_SetString(PyExc_OSError, "the client has not read earlier replies");
        return -1;
    }
    exchange->taken = exchange->begun = exchange->gone = true;
    return connection_give_away(connection);
}

void upgrade_end(Exchange *exchange) {
    if (exchange->late_socket == NULL) {
        return;
    }
    PyObject *ended = PyObject_CallMethodNoArgs(exchange->late_socket, finish_name);
    if (ended == NULL) {
        PyErr_WriteUnraisable(exchange->late_socket);
    }
    Py_XDECREF(ended);
    Py_CLEAR(exchange->late_socket);
}
