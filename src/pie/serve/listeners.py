"""Binds the port of a service, or its unix socket, and closes it without resetting a client."""

import contextlib
import ctypes
import errno
import logging
import os
import socket
import stat
import struct
import sys
from typing import Any

from pie.model import after_fork, fork, is_unix

logger = logging.getLogger(__name__)
_TRIES = 100
_BACKLOG = 1024
_SO_ATTACH_FILTER = 26
_DROP_SYN = (
    (0x30, 0, 0, 13),  # load the byte at 13: the flags of TCP
    (0x54, 0, 0, 0x12),  # keep SYN and ACK
    (0x15, 0, 1, 0x02),  # SYN alone?
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, 0xFFFFFFFF),  # pass
)
"""Classic BPF (``linux/filter.h``): code, jump if true, jump if false, operand."""


class OwnSocket(socket.socket):
    """A socket of this process alone: a listener, or a connection that was accepted.

    Its end is the end of what it stands for, whoever holds a copy of the descriptor: a child that a
    C library forked, a program that inherited it. Children that Python forks close theirs.
    """

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._owner = fork.process
        after_fork(self._leave_to_parent)

    def close(self) -> None:
        """End it for every process. In a forked child: close this copy of the descriptor."""
        if self.fileno() >= 0 and fork.process == self._owner:
            with contextlib.suppress(OSError):  # Not connected; or a listener, except on Linux.
                self.shutdown(socket.SHUT_RDWR)
        super().close()

    def _leave_to_parent(self) -> None:
        self.close()


def listen(host: str, port: int) -> OwnSocket:
    """A listening socket on ``port``, or on the next free one when that is in use.

    ``unix:/path`` for a host is a unix socket, which this user and their group may connect to. A
    socket there that nobody listens on any more is replaced.

    Raises:
        OSError: the address is not this machine's, or a hundred ports in a row are taken; or
            somebody listens on the unix socket, or it cannot be made.
    """
    if is_unix(host):
        return _listen_unix(host.partition(":")[2])
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    last = port + (_TRIES if port else 0)
    while True:
        sock = OwnSocket(family, socket.SOCK_STREAM)
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
                    error.errno,
                    f"cannot listen on {host}:{port}: {error.strerror}; {_advice(error.errno)}",
                ) from None
            port += 1
        else:
            return sock


def drop_newcomers(listener: socket.socket) -> None:
    """Begin no more connections, so that the queue of a listening socket only gets shorter.

    The kernel resets the connections that are in the queue of a socket when it is closed, so a
    server accepts them first; but without this, more come until it is closed. A caller whose SYN is
    dropped sends it again after a second, and is refused by then. All processes that share the
    socket drop newcomers, too. Does nothing for unix sockets, and nothing but on Linux.

    The filter is of use, not needed: where the kernel refuses it (a sandbox, a container without
    ``CAP_NET_ADMIN``), callers that connect in the last moment are reset, and nothing else changes.
    """
    if sys.platform != "linux" or listener.family not in (socket.AF_INET, socket.AF_INET6):
        return
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in _DROP_SYN)
    instructions = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HP", len(_DROP_SYN), ctypes.addressof(instructions))
    try:
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
    except OSError as error:
        logger.debug("the kernel refuses a filter on the listening socket: %s", error)


def _advice(number: int | None) -> str:
    if number in (errno.EACCES, errno.EPERM):
        return "set PORT to one above 1023, or to 0 for any"
    if number == errno.EADDRINUSE:
        return "set PORT to another one, or to 0 for any"
    return "set HOST to an address of this machine, such as 127.0.0.1, or to 0.0.0.0 for all"


def _listen_unix(path: str) -> OwnSocket:
    sock = OwnSocket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        sock.bind(path)
        os.chmod(path, 0o660)  # noqa: PTH101 - a path as it was given, for the message below
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        raise OSError(
            error.errno, f"cannot listen on unix:{path}: {error.strerror or error}"
        ) from None
    return sock


def _remove_stale(path: str) -> None:
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            return  # bind() raises the error.
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # A busy listener may not accept.
        try:
            probe.connect(path)
        except BlockingIOError:
            return
        except ConnectionRefusedError:
            os.unlink(path)  # noqa: PTH108 - likewise
