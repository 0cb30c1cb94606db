"""A client of the debug socket of a process."""

import contextlib
import json
import socket
from pathlib import Path
from typing import Any


class DebugError(Exception):
    """The process does not answer, or refuses; the message gives the reason."""


class DebugClient:
    """Asks the process behind a debug socket.

    Args:
        path: of the socket, from the start line of the process or from its registration.
        timeout: seconds for one answer.
    """

    def __init__(self, path: Path | str, timeout: float = 10.0) -> None:
        self._path = str(path)
        self._timeout = timeout

    def ask(self, command: str, **arguments: Any) -> Any:
        """The answer to a command; ``help`` lists them.

        Raises:
            DebugError: there is no such socket, or the process does not answer or refuses.
        """
        request = json.dumps({"command": command, **arguments}).encode() + b"\n"
        try:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(self._timeout)
                sock.connect(self._path)
                with contextlib.suppress(
                    BrokenPipeError
                ):  # It refused already; the reply gives the reason.
                    sock.sendall(request)
                with sock.makefile("rb") as reader:
                    line = reader.readline()
        except OSError as error:
            raise DebugError(f"{self._path}: {error}") from None
        if not line.endswith(b"\n"):
            raise DebugError(f"{self._path}: the process closed the connection without an answer")
        reply = json.loads(line)
        if not reply["ok"]:
            raise DebugError(reply["error"])
        return reply["result"]
