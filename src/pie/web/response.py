"""The answer to one request, on its way from the application to the server."""

import logging
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from types import TracebackType
from typing import Any, NoReturn

from pie.call import OpenCall
from pie.model import (
    Call,
    Failure,
    Kind,
    current_call,
    describe_error,
    end_forked_child,
    failure_of,
    fork,
    is_a,
    repr_of,
    text_of,
    type_name,
)
from pie.web.body import RequestBody
from pie.web.file import SentFile, WatchedFile, size_left
from pie.web.headers import LOGID, UNSENT
from pie.web.reply import answer_of, status_of

Environ = dict[str, Any]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]
StartResponse = Callable[..., Callable[[bytes], object]]

ERROR_KEY = "pie.error"
"""Environ key under which a framework adapter leaves the exception that made the response."""

FILE_WRAPPER = "wsgi.file_wrapper"

logger = logging.getLogger("pie.web")
_OURS = (LOGID.lower(), UNSENT.lower())
"""Headers that an application cannot set, such as one that hands on those of its upstream."""
_LENGTH_LOWER = "content-length"
_SWITCHING_PROTOCOLS = HTTPStatus.SWITCHING_PROTOCOLS.value


class Response:
    """The body of one response; its call ends with the last byte, or when it is closed.

    An ordinary exception of the application goes on to the server, which answers it. What would end
    the server's thread or process (``SystemExit``, say), what the server could not send, and a
    request whose body is broken are answered here.
    """

    __slots__ = (
        "_body", "_call", "_chunks", "_done", "_environ", "_error", "_input", "_late",
        "_length", "_open", "_process", "_start", "_started", "_write",
    )  # fmt: skip

    def __init__(
        self,
        call: Call,
        open_call: OpenCall,
        environ: Environ,
        start_response: StartResponse,
        body: RequestBody | None,
    ) -> None:
        self._call = call
        self._open = open_call
        self._environ = environ
        self._start = start_response
        self._input = body
        self._body: Iterable[bytes] | None = None
        self._chunks: Iterator[bytes] = iter(())
        self._error: BaseException | None = None
        self._late: BaseException | None = None
        self._started = self._done = False
        self._length = -1
        self._process = fork.process

    def start(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], object]:
        """The application's ``start_response``: reads the status and sets the headers of Pie."""
        if fork.process != self._process:
            return _nowhere  # The parent answers; uWSGI's requests are in memory that both share.
        call = self._call
        number = _number_of(status)
        added = (LOGID, call.logid)
        whole = [*headers, added]
        for name, value in headers:
            size = len(name)
            if size == 10 and name.lower() in _OURS:
                whole = [*(each for each in headers if each[0].lower() not in _OURS), added]
            elif size == 14 and name.lower() == _LENGTH_LOWER:
                text = str(value)
                self._length = int(text) if text.isdecimal() and len(text) <= 18 else -1
        if exc_info is None:
            self._write = self._start(status, whole)
        else:
            self._late = exc_info[1]
            self._write = self._restart(status, whole, exc_info)
        self._started = True
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
        token = current_call.set(self._call)
        try:
            body = self._body = app(self._environ, self.start)
            if fork.process != self._process:
                self._end_child(None)
            if type(body) is SentFile and wrap_file is not None and self._started:
                return self._hand_on(body, wrap_file)
            self._chunks = self._iterate(body)
        except BaseException as error:
            if fork.process != self._process:
                self._end_child(error)
            self._close_body()
            self._chunks = iter((self._failed(error),))
        finally:
            current_call.reset(token)
        return self

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        token = current_call.set(self._call)
        try:
            chunk = next(self._chunks)
            if fork.process != self._process:
                self._end_child(None)
            if self._started and isinstance(chunk, bytes):
                self._call.response_bytes += len(chunk)
                return chunk
            raise self._misuse(chunk)
        except StopIteration:
            if self._started or self._done or self._switches():
                self._end()
                raise
            return self._counted(self._failed(self._misuse(b"")))
        except BaseException as error:
            if fork.process != self._process:
                self._end_child(error)
            return self._counted(self._failed(error))
        finally:
            current_call.reset(token)

    def close(self) -> None:
        """The server has sent the body, or given up on it."""
        call = self._call
        token = current_call.set(call)
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        except BaseException as error:
            self._keep(error)
            self._raise(error)
        finally:
            if not self._done:
                if self._error is None and call.status < 500 and not self._is_bodiless():
                    self._client_left()
                self._end()
            current_call.reset(token)

    def _restart(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo
    ) -> Callable[[bytes], object]:
        """Start the answer to an error, in place of one that may have been started."""
        if "uwsgi.version" not in self._environ:
            return self._start(status, headers, exc_info)
        if self._call.response_bytes > 0:
            raise exc_info[1]
        return self._start(
            status, headers
        )  # uWSGI would set the exception, and return all the same.

    # --- What the application does. ---

    def _iterate(self, body: Any) -> Iterator[bytes]:
        if body is None or isinstance(body, (bytes, str)):
            raise Misuse(
                f"the application returned {type_name(body)}; WSGI wants an iterable of bytes"
            )
        return iter(body)

    def _counted(self, chunk: bytes) -> bytes:
        self._call.response_bytes += len(chunk)
        return chunk

    def _written(self, data: bytes) -> object:
        """The ``write`` that ``start_response`` returns."""
        self._call.response_bytes += len(data)
        return self._write(data)

    def _misuse(self, chunk: object) -> "Misuse":
        if is_a(chunk, bytes):
            return Misuse("the application did not call start_response before its body")
        kind = type_name(chunk)
        return Misuse(f"the application's body has a chunk of type {kind}; WSGI wants bytes")

    def _close_body(self) -> None:
        """Of an answer that failed before the server could iterate it."""
        body, self._body = self._body, None
        try:
            close = getattr(body, "close", None)
            if close is not None:
                close()
        except BaseException as error:
            self._log(error)

    def _end_child(self, error: BaseException | None) -> None:
        """End a child that the application forked and that came back: the parent answers."""
        code = 0
        if is_a(error, SystemExit):
            code = error.code if isinstance(error.code, int) else int(error.code is not None)
        elif error is not None:
            self._log(error)
            code = 1
        end_forked_child(self._process, code)

    # --- Files. ---

    def _hand_on(
        self, sent: SentFile, wrap_file: Callable[..., Iterable[bytes]]
    ) -> Iterable[bytes]:
        if self._length < 0:
            self._length = size_left(sent.filelike)
        self._environ[FILE_WRAPPER] = wrap_file  # By which gunicorn knows a file.
        watched = WatchedFile(sent.filelike, self._read_file, self._file_closed)
        return wrap_file(watched, sent.block_size)

    def _read_file(self, read: Callable[..., bytes], size: tuple[int, ...]) -> bytes:
        token = current_call.set(self._call)
        try:
            return read(*size)
        except BaseException as error:
            self._keep(error)
            self._raise(error)
        finally:
            current_call.reset(token)

    def _file_closed(self, sent: int | None, gave_up: bool) -> None:
        bodiless = self._is_bodiless()
        self._call.response_bytes += 0 if bodiless else self._length if sent is None else sent
        if gave_up and not bodiless and self._error is None:
            self._client_left()
        self._end()

    # --- How it ends. ---

    def _failed(self, error: BaseException) -> bytes:
        """Keep what the application raised; the body of the answer to it.

        Raises:
            BaseException: the server is to answer it, or the answer has begun and is cut.
        """
        call = self._call
        if (is_a(error, StopIteration) or is_a(error, ConnectionError)) and self._switches():
            self._end()
            raise error
        self._keep(error)
        failure = self._answerable(error)
        begun = call.response_bytes > 0
        if not begun:
            call.status = 500 if failure is None else status_of(failure)
        if failure is None or begun:
            self._end()
            raise error if failure is None else failure from error
        self._chunks = iter(())
        answer = answer_of(failure, call)
        headers = [*answer.headers, ("Content-Length", str(len(answer.body)))]
        try:
            self._restart(answer.status, headers, (Failure, failure, None))
        except Exception:
            self._end()
            raise
        self._started = True
        return answer.body

    def _answerable(self, error: BaseException) -> Failure | None:
        """The failure that is answered here; None = the server does what it does with errors."""
        body = self._input
        if body is not None and body.broken is not None:
            return body.failure(400)
        if is_a(error, Failure):
            if is_a(error, Misuse):
                self._log(error)
            return failure_of(error)
        if is_a(error, Exception) or self._is_interrupt(error):
            return None
        self._log(error)
        return _internal(error)

    def _raise(self, error: BaseException) -> NoReturn:
        """Let an error go on to the server, which would end with one that is no ``Exception``."""
        if is_a(error, Exception) or self._is_interrupt(error):
            raise error
        self._log(error)
        raise _internal(error) from error

    def _keep(self, error: BaseException) -> None:
        if self._error is None:
            self._error = error

    def _switches(self) -> bool:
        """Whether a WebSocket library took the connection: it sends no answer through WSGI."""
        if self._started or str(self._environ.get("HTTP_UPGRADE")).lower() != "websocket":
            return False
        self._call.status = _SWITCHING_PROTOCOLS
        return True

    def _is_bodiless(self) -> bool:
        call = self._call
        return call.verb == "HEAD" or call.status in (204, 304) or 100 <= call.status < 200

    def _client_left(self) -> None:
        call = self._call
        self._error = Failure(
            Kind.CANCELLED,
            f"the client went away after {call.response_bytes} bytes of the answer",
            raised_by="peer",
        )
        call.status = self._error.code

    def _end(self) -> None:
        if self._done:
            return
        self._done = True
        if self._input is not None:
            self._call.request_bytes = max(self._call.request_bytes, self._input.count)
            self._input.close()
        error = self._outcome()
        try:
            if error is None:
                self._open.succeed()
            else:
                self._open.fail(error)
        except Failure:
            pass  # The call is recorded, and the client has its answer.
        except BaseException as raised:
            if raised is not error:
                logger.error("a gate broke on leaving %s", self._call.method, exc_info=raised)

    def _outcome(self) -> BaseException | None:
        """The exception that is recorded; None = the request was answered."""
        error, body, status = self._error, self._input, self._call.status
        if error is None:
            error = self._behind_status(status)
        if body is not None and body.broken is not None and (error is not None or status >= 400):
            return body.failure(status)
        if error is None or is_a(error, Exception):
            return error
        if self._is_interrupt(error):
            return failure_of(error)  # The server ends: the call is cancelled.
        return _internal(error)

    def _behind_status(self, status: int) -> BaseException | None:
        """The exception that the framework answered, else a Failure for the status; None below 400.
        A business failure is an answer, whatever its status."""
        found = self._environ.get(ERROR_KEY)
        if is_a(found, Failure):
            found = failure_of(found)
            if found.kind is Kind.BUSINESS:
                self._call.business(found.code, found.message)
                return None
        if status < 400:
            return None
        if is_a(found, BaseException):
            return found
        if self._late is not None and status >= 500:
            return self._late
        return failure_of_status(status, self._late)

    def _is_interrupt(self, error: BaseException) -> bool:
        """Whether it is Ctrl-C at a server that runs applications on the main thread, such as
        ``flask run --without-threads``, and not raised by the application."""
        return (
            is_a(error, KeyboardInterrupt)
            and threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
            and "uwsgi.version" not in self._environ  # Its workers have handlers of their own.
        )

    def _log(self, error: BaseException) -> None:
        call = self._call
        text = text_of(error) if is_a(error, Misuse) else describe_error(error)
        logger.error("%s %s failed: %s", call.verb, call.path, text, exc_info=error)


def _number_of(status: str) -> int:
    try:
        return int(status[:3])
    except (TypeError, ValueError):
        shown = repr_of(status)[:40]
        raise Misuse(f"start_response was given {shown}; WSGI wants a status as '200 OK'") from None


def _nowhere(data: bytes) -> object:
    """The ``write`` of a forked child."""
    return None


class Misuse(Failure):
    """The application does what WSGI does not allow, and no server could send."""

    def __init__(self, text: str) -> None:
        super().__init__(Kind.INTERNAL, text, raised_by="self")


def _internal(error: BaseException) -> Failure:
    """A failure in place of an exception that would end a thread or the process."""
    failure = Failure(Kind.INTERNAL, describe_error(error), raised_by="self")
    failure.__cause__ = error
    return failure


def failure_of_status(status: int, cause: BaseException | None = None) -> Failure:
    """What an error status says, when no exception does."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "error"
    text = f"{status} {phrase}" if cause is None else f"{status} {phrase}: {describe_error(cause)}"
    return Failure(Kind.of_http_status(status), text, code=status, raised_by="self")
