"""A client's connection that carries one call at a time, for threads."""

import os
import socket
import struct
from enum import IntEnum

from pie._core import native
from pie.model import Call
from pie.rpc.client.connection import Closed, Connection, Pending, patience
from pie.rpc.client.link import Target
from pie.rpc.client.steps import run
from pie.rpc.wire.refusal import deadline_passed, refused_from
from pie.thrift import Frame

RECEIVE_TIMEOUT = struct.pack("ll", 0, 20_000)
"""Of the socket, in seconds and microseconds."""

_CHUNK = 64 << 10


class ExchangeEnd(IntEnum):
    """How an exchange in C ended that Python has to end: ``exchange.h``."""

    NOT_SENT = 1
    LATE_TO_SEND = 2
    LATE = 3
    CLOSED = 4
    FAILED = 5
    ODD = 6


class ClientConnection(Connection):
    """A connected socket. After any failure it is closed and of no use."""

    def __init__(self, sock: socket.socket, target: Target) -> None:
        super().__init__(target)
        if native is not None and target.link.tls is None:
            # For the fast path in C: the usual reply is waited for in recv itself.
            sock.setblocking(True)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, RECEIVE_TIMEOUT)
        self._sock = sock
        self.fd = sock.fileno()

    def send(self, pending: Pending, request: bytes) -> None:
        self._sock.settimeout(patience(pending.call))
        self._sock.sendall(request)
        self.count(pending, len(request))

    def receive(self, pending: Pending) -> None:
        self._sock.settimeout(patience(pending.call))
        try:
            data = self._sock.recv(_CHUNK)
        except BlockingIOError:
            return  # A call without a deadline, after RECEIVE_TIMEOUT.
        except TimeoutError:
            raise
        except OSError as error:
            self.end(error)
            return
        if data:
            self.received(data)
        else:
            self.end(Closed())

    def await_refusal(self, pending: Pending) -> None:
        self.refused_from = refused_from(self._sock, pending.call, pending.begins)

    def close(self) -> None:
        self._sock.close()

    def conclude(
        self, call: Call, seqid: int, end: int, error: int, came: bytes, reused: bool
    ) -> Frame:
        """Go on where an exchange in C ended otherwise than with a whole frame of a usual form.

        Args:
            call: that is made.
            seqid: of the request.
            end: an ``ExchangeEnd``.
            error: the errno, where the system failed.
            came: what had been received.
            reused: the connection had been used before.

        Raises:
            Failure, Stale: as ``exchange``.
        """
        self.used = reused
        if end == ExchangeEnd.NOT_SENT:
            raise self.unsent(call, OSError(error, os.strerror(error)))
        if end == ExchangeEnd.LATE_TO_SEND:
            raise deadline_passed(call, "sending the request", never_sent=True)
        if end == ExchangeEnd.LATE:
            raise deadline_passed(call, "waiting for the reply")
        pending = self.waiting[seqid] = Pending(call)
        pending.begins = self.sent
        try:
            self.received(came)
            if end == ExchangeEnd.CLOSED:
                self.end(Closed())
            elif end == ExchangeEnd.FAILED:
                self.end(OSError(error, os.strerror(error)))
            return run(self.reply(pending))
        finally:
            self.waiting.clear()
