"""The Thrift server: a listener, and one thread per connection.

Every request is a Call through the server's gates. The reply takes the form of the request.
"""

import logging
import select
import socket
import threading
import time
from typing import Any

import msgspec

from pie.call import Driver, Runtime, server_course
from pie.rpc.connection import Drain, ServerConnection
from pie.rpc.dispatch import Dispatcher
from pie.thrift import DEFAULT_DECODED_LIMIT, Service

logger = logging.getLogger(__name__)


class ServerOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of a server. Times in seconds, sizes in bytes."""

    max_connections: int = 1024
    frame_limit: int = 16 << 20
    decoded_limit: int = DEFAULT_DECODED_LIMIT
    """What the arguments of one request may take in memory."""
    idle_timeout: float = 600.0
    """A connection without a request is closed after this."""
    transfer_timeout: float = 30.0
    """A frame that has begun must be here, and a reply must be gone, within this."""


class ThriftServer:
    """Serves one Thrift service on one listening socket.

    Args:
        service: the generated service.
        handler: an object with the service's methods.
        runtime: of this process.
        listener: bound and listening; closed when the server stops.
        drain_seconds: how long a stopping server waits for requests in flight.
    """

    def __init__(
        self,
        service: type[Service],
        handler: Any,
        runtime: Runtime,
        listener: socket.socket,
        options: ServerOptions | None = None,
        *,
        drain_seconds: float = 10.0,
    ) -> None:
        self._listener = listener
        self._options = options or ServerOptions()
        driver = Driver(server_course(runtime.observer))
        self._dispatcher = Dispatcher(
            service,
            handler,
            runtime.identity,
            driver,
            decoded_limit=self._options.decoded_limit,
        )
        self._drain = Drain()
        self._connections: set[ServerConnection] = set()
        self._lock = threading.Lock()
        self._drain_seconds = drain_seconds
        self._stopping = threading.Event()

    def serve(self) -> None:
        """Serve until ``stop``, then accept nothing more, finish what is in flight, close the rest.

        A connection that does not end within ``drain_seconds`` is cut.
        """
        acceptor = threading.Thread(target=self._accept, name="pie-accept", daemon=True)
        acceptor.start()
        self._stopping.wait()
        self._drain.begin()
        acceptor.join()
        self._finish()
        self._drain.close()

    def stop(self) -> None:
        """Let ``serve`` drain and return."""
        self._stopping.set()

    def _finish(self) -> None:
        with self._lock:
            connections = list(self._connections)
        deadline = time.monotonic() + self._drain_seconds
        for each in connections:
            each.join(max(0.0, deadline - time.monotonic()))
        with self._lock:
            left = list(self._connections)
        for each in left:
            each.abort()

    def _accept(self) -> None:
        """Accept until the drain begins, and then what is in the backlog: a client whose connect
        succeeded is served."""
        self._listener.setblocking(False)
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        poll.register(self._drain.descriptor, select.POLLIN)
        while True:
            poll.poll()
            try:
                sock, address = self._listener.accept()
            except BlockingIOError:
                if self._drain.begun:
                    break
            except OSError as error:
                logger.warning("cannot accept a connection: %s", error)
                time.sleep(0.05)  # Out of descriptors, usually: do not spin.
            else:
                sock.setblocking(True)
                self._open(sock, _address_text(address))
        self._listener.close()

    def _open(self, sock: socket.socket, peer: str) -> None:
        with self._lock:
            if len(self._connections) >= self._options.max_connections:
                sock.close()
                logger.warning(
                    "refused %s: %d connections are open, the limit (max_connections)",
                    peer,
                    self._options.max_connections,
                )
                return
            connection = ServerConnection(
                sock, peer, self._dispatcher, self._options, self._drain, self._forget
            )
            self._connections.add(connection)
        try:
            connection.start()
        except RuntimeError as error:  # No thread to be had.
            self._forget(connection)
            sock.close()
            logger.warning("refused %s: %s", peer, error)

    def _forget(self, connection: ServerConnection) -> None:
        with self._lock:
            self._connections.discard(connection)


def _address_text(address: Any) -> str:
    return f"{address[0]}:{address[1]}" if isinstance(address, tuple) else "unix"
