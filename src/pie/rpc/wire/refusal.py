"""Failures on a connection, and the proof that a request on it never reached its peer.

A pooled connection may have been closed by its peer just before a request is sent on it. That is
no failure of the peer if the request was certainly not read. The proof differs by what happened:

* Sending failed: the kernel did not even take the whole request, and half a request is none.
* The peer closed (its FIN came), its kernel had acknowledged no byte of the request by then, and
  then refused the request (its RST came): no process held the socket any more when it arrived.
  A FIN alone proves nothing, since a peer may read, work and close without an answer; nor does an
  RST alone, since a peer that has read everything can close like that.
* A unix socket was reset: it was closed with bytes in it that no process had read.
"""

import select
import socket
import struct
import sys
import time

from pie.govern import remaining
from pie.model import Call, Failure, Kind

_acked = struct.Struct("=Q")
_ACKED_AT = 120
_STATE_CLOSED = 7
_REFUSAL_SECONDS = 0.6
"""More than 0.2, after which a kernel sends again what the peer's dropped unread (``sweep.c``)."""


class Stale(Exception):
    """A pooled connection had been closed before the request could reach the peer: use another."""

    note = "sent again: its pooled connection had been closed by the peer before"


def refused_from(sock: socket.socket, call: Call, latest: int) -> int | None:
    """The number of the first byte of the stream that did not reach a peer that has closed; None
    where that is not proven. Waits for the RST: one round trip, or until the request is sent again.

    Args:
        sock: a connection whose FIN was read.
        call: that waits.
        latest: where the latest request begins: bytes sent before it, 1 for the handshake among
            them; -1 if that is not known.
    """
    if not may_be_refused(sock, latest):
        return None
    poll = select.poll()
    poll.register(sock, 0)  # Wakes at the RST only.
    poll.poll(refusal_wait(call) * 1000)
    return proven_refused_from(sock)


def may_be_refused(sock: socket.socket, latest: int) -> bool:
    """Whether an RST, should it come, would prove something."""
    return 0 <= _tcp_info(sock)[1] <= latest


def proven_refused_from(sock: socket.socket) -> int | None:
    """As ``refused_from``, without waiting for the RST."""
    state, acknowledged = _tcp_info(sock)
    return acknowledged if state == _STATE_CLOSED and acknowledged >= 0 else None


def refusal_wait(call: Call) -> float:
    """Seconds that waiting for the RST may take."""
    left = remaining(call)
    return _REFUSAL_SECONDS if left is None else min(_REFUSAL_SECONDS, left / 4)


def _tcp_info(sock: socket.socket) -> tuple[int, int]:
    """State of a connection and bytes acknowledged on it; (-1, -1) where they cannot be known."""
    if sys.platform != "linux" or sock.family == socket.AF_UNIX:
        return -1, -1
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _ACKED_AT + _acked.size)
    except OSError:
        return -1, -1
    if len(info) < _ACKED_AT + _acked.size:
        return -1, -1
    return info[0], _acked.unpack_from(info, _ACKED_AT)[0]


def deadline_passed(call: Call, doing: str, *, never_sent: bool = False) -> Failure:
    """``doing`` names the step that was under way when the deadline passed."""
    took = (time.monotonic() - call.start) * 1000
    if remaining(call, whole=True) == 0 or call.attempt_timeout is None:
        passed = f"its deadline passed after {took:.0f} ms"
    else:
        passed = f"the {call.attempt_timeout * 1000:.0f} ms of one attempt had passed"
    return Failure(
        Kind.DEADLINE,
        f"{call.callee}.{call.method} did not end in time: {doing} when {passed}",
        never_sent=never_sent,
    )


def not_connected(call: Call, error: OSError) -> Failure:
    """A connection could not be made, for another reason than the deadline."""
    if isinstance(error, TimeoutError):
        why = f"{call.callee} at {call.peer} does not accept connections: no answer in time"
    else:
        why = f"cannot connect to {call.callee} at {call.peer}: {error}"
    return Failure(Kind.UNAVAILABLE, why, never_sent=True)


def not_sent(call: Call, error: object) -> Failure:
    """The connection ended before the whole request was sent, or before the peer could read it."""
    return Failure(
        Kind.UNAVAILABLE,
        f"{call.callee} at {call.peer} closed the connection before the request was sent: {error}",
        never_sent=True,
    )


def no_reply(call: Call, error: object) -> Failure:
    """The request was sent, and the connection ended without a whole reply."""
    return Failure(
        Kind.UNAVAILABLE,
        f"no reply from {call.callee} at {call.peer}: {error}; "
        "whether it did the work is not known",
    )


def all_busy(call: Call, limit: int) -> Failure:
    """No connection came free before the deadline."""
    return deadline_passed(
        call,
        f"waiting for one of the {limit} connections to {call.peer}, all of them busy "
        "(pool: max_connections of its yml allows more)",
        never_sent=True,
    )
