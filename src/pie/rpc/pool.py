"""Connections of a client: made when needed, kept while idle, one request at a time on each."""

import select
import socket
import threading
import time

from pie.govern import remaining
from pie.model import Call, Endpoint, Failure, Kind, after_fork
from pie.thrift import CRRST, Frame, FrameError, FrameSplitter

MAX_IDLE = 32
MAX_IDLE_SECONDS = 60.0
CONNECT_SECONDS = 1.0
_SWEEP_SECONDS = 5.0
_CHUNK = 64 << 10


class ClientConnection:
    """A connected socket. After any failure it is closed and of no use."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._splitter = FrameSplitter()
        self.idle_since = 0.0
        self.reusable = True

    def exchange(self, call: Call, request: bytes, *, oneway: bool) -> Frame | None:
        """Send a request and wait for its reply, no longer than the call's deadline.

        Raises:
            Failure: ``never_sent`` when the peer cannot have got the whole request.
        """
        self.reusable = False
        self._send(call, request)
        frame = None if oneway else self._receive(call)
        self.reusable = frame is None or not _says_closing(frame)
        return frame

    def is_fresh(self, now: float) -> bool:
        """Whether an idle connection may be used: not old, not closed, nothing unasked to read."""
        if now - self.idle_since > MAX_IDLE_SECONDS:
            return False
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        self._sock.close()

    def _send(self, call: Call, request: bytes) -> None:
        try:
            self._sock.settimeout(_patience(call))
            self._sock.sendall(request)
        except TimeoutError:
            raise _deadline(call, "sending the request", never_sent=True) from None
        except OSError as error:
            raise Failure(
                Kind.UNAVAILABLE,
                f"{call.callee} at {call.peer} closed the connection before "
                f"the request was sent: {error}",
                never_sent=True,
            ) from None

    def _receive(self, call: Call) -> Frame:
        try:
            while (frame := self._splitter.take()) is None:
                self._sock.settimeout(_patience(call))
                data = self._sock.recv(_CHUNK)
                if not data:
                    raise ConnectionResetError("closed before the reply was complete")
                self._splitter.feed(data)
        except TimeoutError:
            raise _deadline(call, "waiting for the reply") from None
        except (OSError, FrameError) as error:
            raise Failure(
                Kind.UNAVAILABLE,
                f"no reply from {call.callee} at {call.peer}: {error}; "
                "whether it did the work is not known",
            ) from None
        return frame


class Pool:
    """Idle connections, by endpoint."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[tuple[str, int], list[ClientConnection]] = {}
        self._swept = 0.0
        after_fork(self._leave_to_parent)

    def take(self, call: Call, endpoint: Endpoint) -> ClientConnection:
        """An idle connection that is still good, or a new one.

        Raises:
            Failure: there is none to be had; nothing was sent.
        """
        now = time.monotonic()
        address = (endpoint.host, endpoint.port)
        while (connection := self._pop(address)) is not None:
            if connection.is_fresh(now):
                return connection
            connection.close()
        return ClientConnection(_connect(call, endpoint))

    def give_back(self, endpoint: Endpoint, connection: ClientConnection) -> None:
        """Keep a connection for the next call, or close it if it is of no more use."""
        now = time.monotonic()
        if connection.reusable:
            connection.idle_since = now
            with self._lock:
                if now - self._swept > _SWEEP_SECONDS:
                    self._sweep(now)
                idle = self._idle.setdefault((endpoint.host, endpoint.port), [])
                if len(idle) < MAX_IDLE:
                    idle.append(connection)
                    return
        connection.close()

    def close(self) -> None:
        """Close everything that is idle."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for connections in idle.values():
            for each in connections:
                each.close()

    def _sweep(self, now: float) -> None:
        """Close what is no longer good, also of endpoints that nobody calls any more."""
        self._swept = now
        for address, connections in list(self._idle.items()):
            kept = [each for each in connections if each.is_fresh(now)]
            for each in connections:
                if each not in kept:
                    each.close()
            if kept:
                self._idle[address] = kept
            else:
                del self._idle[address]

    def _leave_to_parent(self) -> None:
        """In a forked child: the connections are the parent's; closing them here ends them not."""
        self._lock = threading.Lock()
        self.close()

    def _pop(self, address: tuple[str, int]) -> ClientConnection | None:
        with self._lock:
            idle = self._idle.get(address)
            return idle.pop() if idle else None


def _connect(call: Call, endpoint: Endpoint) -> socket.socket:
    try:
        left = _patience(call)
        # A host that does not answer at all must leave time for another one.
        patience = CONNECT_SECONDS if left is None else min(CONNECT_SECONDS, left / 3)
        sock = socket.create_connection((endpoint.host, endpoint.port), patience)
    except TimeoutError:
        if remaining(call) == 0:
            raise _deadline(call, f"connecting to {call.peer}", never_sent=True) from None
        raise Failure(
            Kind.UNAVAILABLE,
            f"{call.callee} at {call.peer} does not accept connections: no answer in time",
            never_sent=True,
        ) from None
    except OSError as error:
        raise Failure(
            Kind.UNAVAILABLE,
            f"cannot connect to {call.callee} at {call.peer}: {error}",
            never_sent=True,
        ) from None
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _patience(call: Call) -> float | None:
    """Seconds a socket may wait."""
    left = remaining(call)
    if left is not None and left <= 0:
        raise TimeoutError
    return left


def _deadline(call: Call, doing: str, *, never_sent: bool = False) -> Failure:
    took = (time.monotonic() - call.start) * 1000
    return Failure(
        Kind.DEADLINE,
        f"{call.callee}.{call.method} did not end in time: {doing} when its deadline "
        f"passed after {took:.0f} ms",
        never_sent=never_sent,
    )


def _says_closing(frame: Frame) -> bool:
    return frame.header is not None and CRRST in frame.header.strings
