"""The socket of a connection on which an application speaks another protocol, such as WebSocket."""

import contextlib
import socket
from typing import Any

from pie.model import after_fork, fork


class LateSocket:
    """``environ["gunicorn.socket"]``: a connection's socket, taken from the loop at its first use.

    Libraries such as flask-sock look for it. The connection ends when the application has returned.

    Args:
        start_response: of the request, which can give the socket away.
    """

    def __init__(self, start_response: Any) -> None:
        self._start_response = start_response
        self._sock: socket.socket | None = None
        self._process = fork.process

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._taken(), name)

    def _taken(self) -> socket.socket:
        if self._sock is None:
            self._sock = socket.socket(fileno=self._start_response.take())
            self._sock.setblocking(True)
            after_fork(self._leave_to_parent)
        return self._sock

    def finish(self) -> None:
        """The application has returned."""
        if self._sock is None or fork.process != self._process:
            return
        with contextlib.suppress(OSError):  # It may be closed, and a child may hold a copy.
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()

    def _leave_to_parent(self) -> None:
        if self._sock is not None:
            self._sock.close()
