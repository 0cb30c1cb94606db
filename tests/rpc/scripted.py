"""A peer that does what a test says, connection by connection, and nothing of Pie's server."""

import contextlib
import select
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any, Self

from pie.thrift import Frame, FrameSplitter, TTHeader, encode_reply, read_message

Script = Callable[["Line"], None]


class Line:
    """One accepted connection, driven by its script."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.sock = sock
        self.number = number
        self._splitter = FrameSplitter()

    def request(self) -> Frame:
        """The next request."""
        while (frame := self._splitter.take()) is None:
            data = self.sock.recv(65536)
            if not data:
                raise ConnectionError("the client closed")
            self._splitter.feed(data)
        return frame

    def reply(self, method: Any, frame: Frame, value: Any = None, **header: Any) -> None:
        """Answer a request in its own form."""
        self.sock.sendall(reply_to(method, frame, value, **header))

    def serve(self, method: Any, value: Any = None) -> None:
        """Answer one request."""
        self.reply(method, self.request(), value)

    def reset(self) -> None:
        """Close with an RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def wait_for_close(self) -> None:
        """Until the client has closed; what it still sends is dropped."""
        while self.sock.recv(65536):
            pass


def reply_to(
    method: Any, frame: Frame, value: Any = None, *, seqid: int | None = None, **header: Any
) -> bytes:
    """The bytes of an answer."""
    if seqid is None:
        seqid = read_message(frame.payload, frame.protocol)[0].seqid
    headers = None if frame.header is None else TTHeader(**header)
    result = value if isinstance(value, method.result) else method.success(value)
    return encode_reply(method, result, seqid, frame.transport, headers, frame.protocol)


class Peer:
    """Listens; every connection runs the next script, the last one for all that follow.

    An error of a script is raised at the end of the ``with`` block.
    """

    def __init__(self, *scripts: Script, address: Any = ("127.0.0.1", 0)) -> None:
        self._scripts = scripts
        family = socket.AF_INET
        if isinstance(address, str):
            family = socket.AF_UNIX
        elif ":" in address[0]:
            family = socket.AF_INET6
        self._listener = socket.socket(family)
        self._listener.bind(address)
        self._listener.listen()
        self.port = self._listener.getsockname()[1] if family != socket.AF_UNIX else 0
        self.accepted = 0
        self._errors: list[BaseException] = []
        self._lines: list[Line] = []
        self._threads: list[threading.Thread] = []
        self._stop, self._stopper = socket.socketpair()

    def __enter__(self) -> Self:
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stopper.close()
        self._acceptor.join(10)
        for line in self._lines:
            with contextlib.suppress(OSError):
                line.sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()
        for line in self._lines:
            line.sock.close()
        self._listener.close()
        self._stop.close()
        if self._errors and exc[0] is None:
            raise self._errors[0]

    def _accept(self) -> None:
        while True:
            ready, _, _ = select.select([self._listener, self._stop], [], [])
            if self._stop in ready:
                return
            sock, _ = self._listener.accept()
            sock.settimeout(10)
            line = Line(sock, self.accepted)
            script = self._scripts[min(self.accepted, len(self._scripts) - 1)]
            self.accepted += 1
            self._lines.append(line)
            thread = threading.Thread(target=self._run, args=(script, line), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, script: Script, line: Line) -> None:
        try:
            with contextlib.suppress(OSError):
                script(line)
        except BaseException as error:
            self._errors.append(error)
