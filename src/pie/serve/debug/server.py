"""The debug socket: one thread, one unix socket, for this user and root only."""

import contextlib
import json
import logging
import os
import socket
import struct
from pathlib import Path

from pie.model import Resident, after_fork
from pie.serve.debug.commands import Commands

logger = logging.getLogger("pie.debug")
_REQUEST_LIMIT = 64 << 10
_REPLY_LIMIT = 4 << 20
_IDLE_SECONDS = 5.0
_CREDENTIALS = struct.Struct("3i")


class NoDebugSocket(Exception):
    """No debug socket can be opened here; the message gives the reason."""


class DebugServer:
    """Answers one connection after the other, each request a line of JSON, each reply too.

    Args:
        directory: of all debug sockets of a product; made with mode 0700.
        name: of the socket without its end: the PSM.
        commands: what it answers.
    """

    def __init__(self, directory: Path, name: str, commands: Commands) -> None:
        self.path = directory / f"{name}.{os.getpid()}.sock"
        self._commands = commands
        self._listener: socket.socket | None = None
        self._closed = False

    def start(self) -> None:
        """Listen, and answer from a thread of its own. Call it after the last fork.

        Raises:
            NoDebugSocket: it cannot be opened.
        """
        try:
            self._listener = self._listen()
        except OSError as error:
            raise NoDebugSocket(f"{self.path}: {error.strerror or error}") from None
        after_fork(self._leave_to_parent)
        self._thread = Resident("pie-debug", self._serve_one, logger)
        self._thread.start()

    def close(self) -> None:
        """Close the socket, and end its thread."""
        if self._listener is None:
            return
        self._closed = True
        with contextlib.suppress(OSError):
            self.path.unlink()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # Wakes the thread; macOS refuses.
        self._listener.close()

    def _listen(self) -> socket.socket:
        directory = self.path.parent
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o700)
        remove_stale(directory)
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.bind(str(self.path))
            self.path.chmod(0o600)
            sock.listen(8)
        except OSError:
            sock.close()
            raise
        return sock

    def _leave_to_parent(self) -> None:
        """In a forked child: close the listener, so that connections reach the parent only."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _serve_one(self) -> float | None:
        listener = self._listener
        if listener is None:
            return None
        try:
            sock, _ = listener.accept()
        except OSError:
            if self._closed:
                return None
            raise  # Out of descriptors, usually.
        try:
            with sock:
                self._answer(sock)
        except OSError:
            pass  # The asker went away.
        return 0.0

    def _answer(self, sock: socket.socket) -> None:
        sock.settimeout(_IDLE_SECONDS)
        uid = peer_uid(sock)
        if uid is not None and uid not in (os.geteuid(), 0):
            logger.warning("refused user %d on the debug socket", uid)
            self._send(sock, {"ok": False, "error": "this socket is for the process's own user"})
            return
        with sock.makefile("rb") as reader:
            while line := reader.readline(_REQUEST_LIMIT):
                if not line.endswith(b"\n"):
                    error = f"a request is one line of at most {_REQUEST_LIMIT} bytes"
                    self._send(sock, {"ok": False, "error": error})
                    return
                self._send(sock, self._reply(line))

    def _reply(self, line: bytes) -> dict[str, object]:
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            return {"ok": False, "error": 'a request is a line of JSON: {"command": "help"}'}
        return self._commands.answer(request)

    @staticmethod
    def _send(sock: socket.socket, reply: dict[str, object]) -> None:
        data = json.dumps(reply).encode() + b"\n"
        if len(data) > _REPLY_LIMIT:
            error = f"the answer has {len(data)} bytes; the limit is {_REPLY_LIMIT}"
            data = json.dumps({"ok": False, "error": error}).encode() + b"\n"
        sock.sendall(data)


def peer_uid(sock: socket.socket) -> int | None:
    """The user of the process at the other end; None where the system does not tell it (there the
    mode of the directory keeps other users out)."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    _, uid, _ = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size))
    return int(uid)


def remove_stale(directory: Path) -> None:
    """Remove the sockets of processes that have ended.

    A dead pid alone is no proof: a process of another container has no pid here, yet it answers.
    """
    for path in directory.glob("*.sock"):
        pid = path.name.split(".")[-2]
        if pid.isdecimal() and (int(pid) == os.getpid() or not _alive(int(pid))):
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(0.2)
                try:
                    probe.connect(str(path))
                except ConnectionRefusedError:
                    path.unlink()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass
    return True
