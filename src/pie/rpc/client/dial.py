"""Making connections, for threads: TCP over IPv4 and IPv6, unix sockets, TLS on either."""

import contextlib
import socket
import ssl
import time

from pie.govern import remaining
from pie.model import Call, Failure, Kind
from pie.rpc.client.link import Target, server_name, tls_context
from pie.rpc.wire.refusal import deadline_passed, not_connected


def connect_patience(call: Call, target: Target) -> float:
    """Seconds to wait for a connection.

    A host that does not answer at all must leave time for another one.

    Raises:
        TimeoutError: there is no time left.
    """
    left, most = remaining(call), call.connect_timeout or target.link.limits.connect_seconds
    if left is None:
        return most
    if left <= 0:
        raise TimeoutError
    return min(most, left / 3)


def connect(call: Call, target: Target) -> socket.socket:
    """A connected socket; an ``ssl.SSLSocket`` if the link has TLS.

    Raises:
        Failure: it could not be made; nothing was sent.
    """
    try:
        return _connect(target, connect_patience(call, target))
    except OSError as error:
        raise connect_failure(call, error) from None


def connect_failure(call: Call, error: OSError) -> Failure:
    """The failure of a call whose connection could not be made."""
    if isinstance(error, TimeoutError) and remaining(call) == 0:
        return deadline_passed(call, f"connecting to {call.peer}", never_sent=True)
    if isinstance(error, ssl.SSLError):
        return Failure(
            Kind.UNAVAILABLE,
            f"no TLS with {call.callee} at {call.peer}: {error}. Compare `tls` of its yml (ca, "
            "cert, key, server_name) with the certificate it shows",
            never_sent=True,
        )
    return not_connected(call, error)


def _connect(target: Target, patience: float) -> socket.socket:
    end = time.monotonic() + patience
    if target.path:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(patience)
            sock.connect(target.path)
        except OSError:
            sock.close()
            raise
    else:
        sock = socket.create_connection((target.host, target.port), patience)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if target.link.tls is None:
        return sock
    try:
        context = tls_context(target.link.tls)
        sock.settimeout(max(0.001, end - time.monotonic()))
        return context.wrap_socket(sock, server_hostname=server_name(target, target.link.tls))
    except BaseException:
        with contextlib.suppress(OSError):
            sock.close()
        raise
