"""A thread per connection: the loop of a server without the C extension, and of TLS.

Twin: ``pie/_core/server/loop.c``. It also serves the connections that C hands over, whose
transport only Python speaks.
"""

import select
import socket
import threading
import time
from typing import Any

from pie.model import after_fork
from pie.rpc.server.connection import Drain, ServerConnection
from pie.rpc.server.dispatch import Dispatcher
from pie.rpc.server.options import ServerOptions

_MOST_THREADS = 1024
_BACKLOG = 4096


class Connections:
    """The connections of a server that have a thread each."""

    def __init__(self, dispatcher: Dispatcher, options: ServerOptions) -> None:
        self._dispatcher = dispatcher
        self._options = options
        self._limit = min(options.max_connections, _MOST_THREADS)
        self.drain = Drain()
        self._open: set[ServerConnection] = set()
        self._lock = threading.Lock()
        after_fork(self._leave_to_parent)

    def open(self, sock: socket.socket, peer: str, received: bytes = b"") -> None:
        """Serve a connected socket, of which some bytes were received already."""
        with self._lock:
            if len(self._open) >= self._limit:
                sock.close()
                self._dispatcher.complaints.refused.warning(
                    "refused %s: %d connections are open, the limit (max_connections, and 1024 "
                    "where each has a thread)",
                    peer,
                    self._limit,
                )
                return
            connection = ServerConnection(
                sock, peer, self._dispatcher, self._options, self.drain, self._forget, received
            )
            try:
                connection.start()
            except RuntimeError as error:  # No thread can be started.
                sock.close()
                self._dispatcher.complaints.refused.warning("refused %s: %s", peer, error)
                return
            self._open.add(connection)

    def finish(self, seconds: float) -> None:
        """Wait for connections to end, which they do once the drain has begun; cut the rest."""
        with self._lock:
            connections = list(self._open)
        deadline = time.monotonic() + seconds
        for each in connections:
            each.join(max(0.0, deadline - time.monotonic()))
        with self._lock:
            left = list(self._open)
        for each in left:
            each.abort()
        self.drain.close()

    def _leave_to_parent(self) -> None:
        """In a forked child: the peers see the end of a connection when the parent ends it."""
        for each in list(self._open):
            each.leave_to_parent()

    def _forget(self, connection: ServerConnection) -> None:
        with self._lock:
            self._open.discard(connection)


class ThreadedLoop:
    """Accepts connections and gives each a thread.

    Args:
        listener: bound and listening; closed when nothing more is accepted.
        dispatcher: answers frames.
        options: bounds.
    """

    name = "threads"

    def __init__(
        self, listener: socket.socket, dispatcher: Dispatcher, options: ServerOptions
    ) -> None:
        self._listener = listener
        self._complaints = dispatcher.complaints
        self._connections = Connections(dispatcher, options)
        after_fork(self._leave_to_parent)
        self._acceptor = threading.Thread(target=self._accept, name="pie-accept", daemon=True)

    def start(self) -> None:
        self._acceptor.start()

    def stop(self, seconds: float) -> None:
        """Accept the backlog and nothing more, finish requests in flight, and cut connections that
        have not ended after so many seconds."""
        self._connections.drain.begin()
        self._acceptor.join()
        self._connections.finish(seconds)

    def _leave_to_parent(self) -> None:
        """In a forked child: who connects reaches the parent only."""
        self._listener.close()

    def _accept(self) -> None:
        """Accept until the drain begins, and then the backlog, for the clients in it have connected
        already. The backlog is bounded, for clients may go on connecting."""
        drain = self._connections.drain
        left = _BACKLOG
        self._listener.setblocking(False)
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        poll.register(drain.descriptor, select.POLLIN)
        while left:
            poll.poll()
            left -= drain.begun
            try:
                sock, address = self._listener.accept()
            except BlockingIOError:
                if drain.begun:
                    break
            except OSError as error:
                self._complaints.refused.warning("cannot accept a connection: %s", error)
                time.sleep(0.05)  # Out of descriptors, usually: do not spin.
            else:
                sock.setblocking(True)
                self._connections.open(sock, _address_text(address))
        self._listener.close()


def _address_text(address: Any) -> str:
    if not isinstance(address, tuple):
        return "unix"
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
