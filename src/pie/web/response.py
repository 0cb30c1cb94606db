"""The answer to one request, on its way from the application to the server."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pie.call import OpenCall
from pie.model import Call, Failure, current_call, fork
from pie.web.body import RequestBody
from pie.web.file import SentFile
from pie.web.start import Environ, ExcInfo, Headers, StartResponse, read_headers, read_status
from pie.web.unusual import (
    client_left,
    close_body,
    end_child,
    end_input,
    failed,
    gate_broke,
    hand_on,
    is_bodiless,
    no_chunk,
    no_iterable,
    outcome,
    raise_on,
    restart,
    switches,
    write_nowhere,
)


class PythonResponse:
    """The body of one response; its call ends with the last byte, or when it is closed.

    An ordinary exception of the application goes on to the server, which answers it. What would end
    the server's thread or process (``SystemExit``, say), what the server could not send, and a
    request whose body is broken are answered here.

    The twin of ``_native.Response``; see ``pie.web.unusual.Answering`` for its attributes.
    """

    __slots__ = (
        "_chunks", "_open", "_write", "body", "call", "done", "environ", "error", "input", "late",
        "length", "process", "server_start", "started",
    )  # fmt: skip

    def __init__(
        self,
        call: Call,
        open_call: OpenCall,
        environ: Environ,
        start_response: StartResponse,
        body: RequestBody | None,
    ) -> None:
        self.call = call
        self._open = open_call
        self.environ = environ
        self.server_start = start_response
        self.input = body
        self.body: Any = None
        self._chunks: Iterator[bytes] = iter(())
        self.error: BaseException | None = None
        self.late: BaseException | None = None
        self.started = self.done = False
        self.length = -1
        self.process = fork.process

    def start(
        self, status: str, headers: Headers, exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], object]:
        """The application's ``start_response``: reads the status and sets the headers of Pie."""
        if fork.process != self.process:
            # The parent answers; uWSGI's requests are in memory that both share.
            return write_nowhere
        call = self.call
        number = read_status(status)
        whole, self.length = read_headers(headers, call.logid, self.length)
        if exc_info is None:
            self._write = self.server_start(status, whole)
        else:
            self.late = exc_info[1]
            self._write = restart(self, status, whole, exc_info)
        self.started = True
        call.status = number
        return self._written

    def answer(
        self, app: Callable[..., Iterable[bytes]], wrap_file: Callable[..., Iterable[bytes]] | None
    ) -> Iterable[bytes]:
        """Run the application; what the server is to iterate.

        Args:
            app: the application.
            wrap_file: the server's ``wsgi.file_wrapper``.
        """
        call = self.call
        token = current_call.set(call)
        try:
            body = self.body = app(self.environ, self.start)
            if fork.process != self.process:
                end_child(self, None)
            if type(body) is SentFile and wrap_file is not None and self.started:
                return hand_on(self, body, wrap_file)
            if body is None or isinstance(body, (bytes, str)):
                raise no_iterable(body)
            self._chunks = iter(body)
        except BaseException as error:
            if fork.process != self.process:
                end_child(self, error)
            close_body(self)
            self._chunks = iter((self._failed(error),))
        finally:
            current_call.reset(token)
        return self

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        call = self.call
        token = current_call.set(call)
        try:
            chunk = next(self._chunks)
            if fork.process != self.process:
                end_child(self, None)
            if self.started and isinstance(chunk, bytes):
                call.response_bytes += len(chunk)
                return chunk
            raise no_chunk(chunk)
        except StopIteration:
            if self.started or self.done or switches(self):
                self.end()
                raise
            return self._counted(self._failed(no_chunk(b"")))
        except BaseException as error:
            if fork.process != self.process:
                end_child(self, error)
            return self._counted(self._failed(error))
        finally:
            current_call.reset(token)

    def close(self) -> None:
        """The server has sent the body, or given up on it."""
        call = self.call
        token = current_call.set(call)
        try:
            close = getattr(self.body, "close", None)
            if close is not None:
                close()
        except BaseException as error:
            raise_on(self, error)
        finally:
            if not self.done:
                if self.error is None and call.status < 500 and not is_bodiless(self):
                    client_left(self)
                self.end()
            current_call.reset(token)

    def end(self) -> None:
        """The call ends, once."""
        if self.done:
            return
        self.done = True
        end_input(self)
        error = outcome(self)
        try:
            if error is None:
                self._open.succeed()
            else:
                self._open.fail(error)
        except Failure:
            pass  # The call is recorded, and the client has its answer.
        except BaseException as raised:
            if raised is not error:
                gate_broke(self, raised)

    def _written(self, data: bytes) -> object:
        """The ``write`` that ``start_response`` returns."""
        self.call.response_bytes += len(data)
        return self._write(data)

    def _failed(self, error: BaseException) -> bytes:
        self._chunks = iter(())
        return failed(self, error)

    def _counted(self, chunk: bytes) -> bytes:
        self.call.response_bytes += len(chunk)
        return chunk
