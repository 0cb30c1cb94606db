"""HTTP on the loop in C: how it is made, and the functions that it calls.

C reads the fields of the classes here by name: a field that C does not read, or reads and does not
find, fails tests/core/test_contract.py.
"""

import io
import logging
import socket
import sys
import tempfile
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any, NamedTuple

from pie.loop.complaints import Complaints
from pie.web.file import FileWrapper
from pie.web.server.options import HttpOptions
from pie.web.server.upgraded import LateSocket

logger = logging.getLogger("pie.web")


class HttpHooks(NamedTuple):
    """Functions that C calls; see the methods of ``NativeHttp``."""

    complain: Callable[[str, int, str], None]
    failed: Callable[[str, str, str, str, BaseException | None], None]


class HttpPlan(NamedTuple):
    """What a ``_native.HttpServer`` is made of; see ``HttpOptions``.

    Attributes:
        app: the WSGI application.
        environ: what is the same in all environs.
        empty_input: makes the ``wsgi.input`` of a request without a body.
        bytes_input: makes it of a body in memory.
        file_input: makes it of a body in a file, of which it gets the descriptor.
        file_wrapper: ``wsgi.file_wrapper``.
        late_socket: makes the socket of a connection that an application may take over.
        spool: folder of the files of large bodies.
        proxied: trusted peers begin a connection with the PROXY protocol's header.
    """

    app: Callable[..., Iterable[bytes]]
    environ: dict[str, Any]
    hooks: HttpHooks
    empty_input: Callable[[], Any]
    bytes_input: Callable[[bytes], Any]
    file_input: Callable[[int], Any]
    file_wrapper: type[Any]
    late_socket: Callable[[Any], Any]
    trusted: tuple[str, ...]
    spool: str
    proxied: bool
    body_limit: int
    memory_limit: int
    idle_timeout: float
    head_timeout: float
    body_timeout: float
    write_timeout: float


class NativeHttp:
    """A ``_native.HttpServer`` and its hooks: HTTP as one server speaks it.

    Args:
        native: the extension.
        app: the WSGI application.
        listener: names the server in environs.
        options: bounds.
        complaints: gets the lines about peers.
    """

    def __init__(
        self,
        native: ModuleType,
        app: Callable[..., Iterable[bytes]],
        listener: socket.socket,
        options: HttpOptions,
        complaints: Complaints,
    ) -> None:
        self._complaints = complaints
        self.native = native.HttpServer(
            HttpPlan(
                app=app,
                environ=_environ(listener, options),
                hooks=HttpHooks(complain=self.complain, failed=self.failed),
                empty_input=io.BytesIO,
                bytes_input=io.BytesIO,
                file_input=_open_body,
                file_wrapper=FileWrapper,
                late_socket=LateSocket,
                trusted=options.trusted,
                spool=tempfile.gettempdir(),
                proxied=options.proxy_protocol,
                body_limit=options.body_limit,
                memory_limit=options.memory_limit,
                idle_timeout=options.idle_timeout,
                head_timeout=options.head_timeout,
                body_timeout=options.body_timeout,
                write_timeout=options.write_timeout,
            )
        )

    def begin_drain(self) -> None:
        """The loop has begun to drain."""

    def finish(self, seconds: float) -> None:
        """C gives no connection away."""

    def complain(self, peer: str, status: int, text: str) -> None:
        """A request was refused, and its connection closed."""
        self._complaints.closed.warning("refused a request of %s by %d: %s", peer, status, text)

    def failed(
        self, peer: str, verb: str, path: str, text: str, error: BaseException | None
    ) -> None:
        """An application raised what it did not answer, or did what WSGI does not allow."""
        reason = text or type(error).__name__
        logger.error("%s %s of %s failed: %s", verb, path, peer, reason, exc_info=error)


def _open_body(descriptor: int) -> io.BufferedReader:
    return open(descriptor, "rb")


def _environ(listener: socket.socket, options: HttpOptions) -> dict[str, Any]:
    fixed = {
        "SCRIPT_NAME": "",
        "SERVER_SOFTWARE": "pie",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": options.max_threads > 1,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        "wsgi.file_wrapper": FileWrapper,
    }
    address = listener.getsockname()
    if isinstance(address, tuple):
        fixed |= {"SERVER_NAME": str(address[0]), "SERVER_PORT": str(address[1])}
    return fixed
