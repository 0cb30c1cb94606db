"""One connection of a server: bytes to frames, frames to the dispatcher, replies back."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable

from pie.loop.crowd import Crowd, Crowded
from pie.model import end_forked_child
from pie.rpc.server.dispatch import Dispatcher
from pie.rpc.server.farewell import say_farewell
from pie.rpc.server.options import ServerOptions
from pie.thrift import Frame, FrameError, FrameSplitter, ThriftError

logger = logging.getLogger(__name__)
_u32 = struct.Struct("=I")
_CHUNK = 64 << 10
_LEAST_RATE = 1000
"""Bytes per second that a peer has to read of a long reply."""
_DRAIN_IDLE_SECONDS = 0.3
_BUSY_SECONDS = 0.002
"""After an answer that took longer, what is received next may have waited."""
_LAST_RECEIVED_AT, _TICK_MS = 52, 4
"""Of ``tcpi_last_data_recv`` in ``struct tcp_info``: milliseconds, counted in ticks."""


class Drain:
    """The sign for all connections of a server that it is stopping.

    A pipe that is written once and never read: it wakes connections that wait for a request, too,
    and stays readable.
    """

    def __init__(self) -> None:
        self.descriptor, self._writer = os.pipe()
        self.begun = False

    def begin(self) -> None:
        self.begun = True
        os.write(self._writer, b"x")

    def close(self) -> None:
        os.close(self.descriptor)
        os.close(self._writer)


class ServerConnection:
    """Owns its socket and its thread."""

    def __init__(
        self,
        sock: socket.socket,
        peer: str,
        dispatcher: Dispatcher,
        options: ServerOptions,
        drain: Drain,
        on_close: Callable[[ServerConnection], None],
        received: bytes = b"",
        *,
        crowd: Crowd,
    ) -> None:
        self._sock = sock
        self._peer = self.peer = peer
        self._crowd = crowd
        self._dispatcher = dispatcher
        self._options = options
        self._drain = drain
        self._on_close = on_close
        self._received = received
        self._process = os.getpid()
        self._thread = threading.Thread(target=self._run, name=f"pie-rpc-{peer}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self, timeout: float) -> None:
        self._thread.join(timeout)

    def abort(self) -> None:
        """Close at once; a reply being sent is cut."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def leave_to_parent(self) -> None:
        """In a forked child: close its copy."""
        self._sock.close()

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # A unix socket has no such option.
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._secure()
            self._serve()
        except ThriftError as error:
            self._complain(error)
        except Crowded:
            pass  # Its peer has been named.
        except TimeoutError:
            logger.debug("closed the connection of %s: idle or too slow", self._peer)
        except ssl.SSLError as error:
            self._complain(f"no TLS with it: {error}")
        except OSError as error:
            logger.debug("connection of %s ended: %s", self._peer, error)
        finally:
            self.abort()  # Not left to close(): another process may hold a copy of the descriptor.
            self._sock.close()
            self._crowd.leave(self)
            self._on_close(self)

    def _complain(self, reason: object) -> None:
        closed = self._dispatcher.complaints.closed
        closed.warning("closed the connection of %s: %s", self._peer, reason)

    def _secure(self) -> None:
        if self._options.tls is not None:
            self._sock.settimeout(self._options.transfer_timeout)
            self._sock = self._options.tls.wrap_socket(self._sock, server_side=True)

    def _serve(self) -> None:
        splitter = FrameSplitter(self._options.frame_limit)
        splitter.feed(self._received)
        received = latest = time.monotonic()
        frame_deadline = read_at = 0.0
        holds = False
        while True:
            try:
                frame = splitter.take()
            except FrameError as error:
                self._complain(error)
                say_farewell(self._sock, error, splitter.rest)
                return
            if frame is not None:
                if holds:
                    self._crowd.hold(self, splitter.pending)
                    holds = splitter.pending > 0
                self._answer(frame, received)
                received = latest  # What is left in the buffer came with the latest bytes.
                frame_deadline = 0.0
                continue
            busy = time.monotonic() - read_at > _BUSY_SECONDS
            if splitter.pending:
                frame_deadline = frame_deadline or (
                    time.monotonic() + self._options.transfer_timeout
                )
                self._sock.settimeout(max(0.001, frame_deadline - time.monotonic()))
            elif not self._wait_for_request():
                return
            data = self._sock.recv(_CHUNK)
            if not data:
                return
            read_at = time.monotonic()
            latest = read_at - (self._waited() if busy else 0.0)
            if not splitter.pending:
                received = latest
            splitter.feed(data)
            if splitter.pending > _CHUNK:
                self._crowd.hold(self, splitter.pending)
                holds = True

    def _answer(self, frame: Frame, received: float) -> None:
        reply = self._dispatcher.answer(frame, self._peer, received, closing=self._drain.begun)
        end_forked_child(self._process)
        if reply is not None:
            self._sock.settimeout(self._options.transfer_timeout)
            if len(reply) <= _CHUNK:
                self._sock.sendall(reply)
            else:
                self._send_long(reply)

    def _send_long(self, reply: bytes) -> None:
        """A reply that counts until its peer has taken it."""
        rest = memoryview(reply)
        patience = self._options.transfer_timeout
        deadline = time.monotonic() + patience
        while rest:
            self._crowd.hold(self, len(reply))
            self._sock.settimeout(max(0.001, deadline - time.monotonic()))
            sent = self._sock.send(rest)
            rest = rest[sent:]
            deadline = min(deadline + sent / _LEAST_RATE, time.monotonic() + patience)
        self._crowd.leave(self)

    def _waited(self) -> float:
        """Seconds since the latest bytes came to this machine; 0 where the system does not say."""
        if sys.platform != "linux" or self._sock.family == socket.AF_UNIX:
            return 0.0
        size = _LAST_RECEIVED_AT + _u32.size
        info = self._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, size)
        ms: int = _u32.unpack_from(info, _LAST_RECEIVED_AT)[0]
        return max(0, ms - _TICK_MS) / 1000

    def _wait_for_request(self) -> bool:
        """False when the connection has been idle for too long.

        While the server drains that is a moment: a request that is on its way is still answered,
        with a reply that asks for another connection.
        """
        if isinstance(self._sock, ssl.SSLSocket) and self._sock.pending():
            return True  # Deciphered already: poll on the socket does not see it.
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        if not self._drain.begun:
            poll.register(self._drain.descriptor, select.POLLIN)
            ready = [descriptor for descriptor, _ in poll.poll(self._options.idle_timeout * 1000)]
            if not self._drain.begun or self._sock.fileno() in ready:
                return bool(ready)
            poll.unregister(self._drain.descriptor)
        return bool(poll.poll(_DRAIN_IDLE_SECONDS * 1000))
