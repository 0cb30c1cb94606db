"""Binding the port of a service."""

import errno
import socket

_TRIES = 100
_BACKLOG = 1024


def listen(host: str, port: int) -> socket.socket:
    """A listening socket on ``port``, or on the next free one when that is in use.

    Raises:
        OSError: the address is not this machine's, or a hundred ports in a row are taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    last = port + (_TRIES if port else 0)
    while True:
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Inherited by every connection. Without it, an answer sent in two parts waits some 40 ms
        # for the client's delayed acknowledgement of the first (RFC 896 meeting RFC 1122).
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            sock.bind((host, port))
            sock.listen(_BACKLOG)
        except OSError as error:
            sock.close()
            if error.errno != errno.EADDRINUSE or port >= min(last, 65535):
                raise OSError(
                    error.errno, f"cannot listen on {host}:{port}: {error.strerror}"
                ) from None
            port += 1
        else:
            return sock
