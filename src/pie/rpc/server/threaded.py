"""A thread per connection: the loop of a server without the C extension, and of TLS.

Twin: ``pie/_core/server/loop.c``. It also serves the connections that C hands over, whose
transport only Python speaks.
"""

import logging
import select
import socket
import threading
import time
from typing import Any

from pie.loop.crowd import Crowd
from pie.model import Backoff, Resident, after_fork
from pie.rpc.server.connection import Drain, ServerConnection
from pie.rpc.server.dispatch import Dispatcher
from pie.rpc.server.options import ServerOptions

logger = logging.getLogger(__name__)
_MOST_THREADS = 1024
_BACKLOG = 4096
_ACCEPT_PAUSE_S = 1.0


class Connections:
    """The connections of a server that have a thread each.

    Args:
        crowd: counts what they hold; by default they are all that the server has.
    """

    def __init__(
        self, dispatcher: Dispatcher, options: ServerOptions, crowd: Crowd | None = None
    ) -> None:
        self._crowd = crowd or Crowd(options.held_limit, dispatcher.complaints)
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
                sock, peer, self._dispatcher, self._options, self.drain, self._forget, received,
                crowd=self._crowd,
            )  # fmt: skip
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
        self._left = _BACKLOG
        """Connections to accept once the drain has begun: the clients in the backlog have connected
        already. It is bounded, for clients may go on connecting."""
        self._poll = select.poll()
        self._acceptor = Resident(
            "pie-accept", self._accept, logger, backoff=Backoff(longest=_ACCEPT_PAUSE_S),
            finish=listener.close,
        )  # fmt: skip

    def start(self) -> None:
        self._listener.setblocking(False)
        self._poll.register(self._listener, select.POLLIN)
        self._poll.register(self._connections.drain.descriptor, select.POLLIN)
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

    def _accept(self) -> float | None:
        """Accept one connection; None once the drain has begun and the backlog is empty."""
        drain = self._connections.drain
        if not self._left:
            return None
        self._poll.poll()
        self._left -= drain.begun
        try:
            sock, address = self._listener.accept()
        except BlockingIOError:
            return None if drain.begun else 0.0
        except OSError as error:
            self._complaints.refused.warning("cannot accept a connection: %s", error)
            return 0.05  # Out of descriptors, usually: do not spin.
        try:
            sock.setblocking(True)
            self._connections.open(sock, _address_text(address))
        except BaseException:
            sock.close()
            raise
        return 0.0


def _address_text(address: Any) -> str:
    if not isinstance(address, tuple):
        return "unix"
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
