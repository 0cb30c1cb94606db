"""How an answer goes that does not go as usual: what both twins of ``Response`` leave to Python."""

import logging
import signal
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, NoReturn, Protocol

from pie.model import (
    Call,
    Failure,
    Kind,
    current_call,
    describe_error,
    end_forked_child,
    failure_of,
    is_a,
    text_of,
    type_name,
)
from pie.web.body import RequestBody
from pie.web.file import SentFile, WatchedFile, size_left
from pie.web.reply import answer_of, status_of
from pie.web.start import (
    ERROR_KEY,
    FILE_WRAPPER,
    Environ,
    ExcInfo,
    Headers,
    Misuse,
    StartResponse,
)

logger = logging.getLogger("pie.web")
_SWITCHING_PROTOCOLS = HTTPStatus.SWITCHING_PROTOCOLS.value


class Answering(Protocol):
    """A response, of either twin, on its way.

    Attributes:
        input: the body of the request, if it has one.
        server_start: the server's ``start_response``.
        body: what the application returned.
        error: what the application raised, or made of the answer; None = nothing so far.
        late: the exception that the application answered by itself (``exc_info``).
        length: the answer's ``Content-Length``; -1 = not known.
        process: in which the request came.
        done: the call has ended.
    """

    @property
    def call(self) -> Call: ...
    @property
    def environ(self) -> Environ: ...
    @property
    def input(self) -> RequestBody | None: ...
    @property
    def server_start(self) -> StartResponse: ...
    @property
    def process(self) -> int: ...
    @property
    def done(self) -> bool: ...

    body: Any
    error: BaseException | None
    late: BaseException | None
    started: bool
    length: int

    def end(self) -> None:
        """The call ends."""


def restart(
    response: Answering, status: str, headers: Headers, exc_info: ExcInfo
) -> Callable[[bytes], object]:
    """Start the answer to an error, in place of one that may have been started."""
    if "uwsgi.version" not in response.environ:
        return response.server_start(status, headers, exc_info)
    if response.call.response_bytes > 0:
        raise exc_info[1]
    # uWSGI would set the exception, and return all the same.
    return response.server_start(status, headers)


def write_nowhere(data: bytes) -> object:
    """The ``write`` of a forked child."""
    return None


# --- What the application returns and yields. ---


def no_iterable(body: object) -> Misuse:
    """What the failure is of an application that returned no iterable of bytes."""
    return Misuse(f"the application returned {type_name(body)}; WSGI wants an iterable of bytes")


def no_chunk(chunk: object) -> Misuse:
    """What the failure is of a chunk that cannot be sent, or not yet."""
    if is_a(chunk, bytes):
        return Misuse("the application did not call start_response before its body")
    kind = type_name(chunk)
    return Misuse(f"the application's body has a chunk of type {kind}; WSGI wants bytes")


def close_body(response: Answering) -> None:
    """Of an answer that failed before the server could iterate it."""
    body, response.body = response.body, None
    try:
        close = getattr(body, "close", None)
        if close is not None:
            close()
    except BaseException as error:
        _log(response, error)


def end_child(response: Answering, error: BaseException | None) -> None:
    """End a child that the application forked and that came back: the parent answers."""
    code = 0
    if is_a(error, SystemExit):
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    elif error is not None:
        _log(response, error)
        code = 1
    end_forked_child(response.process, code)


# --- Files. ---


def hand_on(
    response: Answering, sent: SentFile, wrap_file: Callable[..., Iterable[bytes]]
) -> Iterable[bytes]:
    """Give the server a file that is to be sent."""
    if response.length < 0:
        response.length = size_left(sent.filelike)
    response.environ[FILE_WRAPPER] = wrap_file  # By which gunicorn knows a file.

    def read_file(read: Callable[..., bytes], size: tuple[int, ...]) -> bytes:
        token = current_call.set(response.call)
        try:
            return read(*size)
        except BaseException as error:
            raise_on(response, error)
        finally:
            current_call.reset(token)

    def file_closed(sent: int | None, gave_up: bool) -> None:
        bodiless = is_bodiless(response)
        count = response.length if sent is None else sent
        response.call.response_bytes += 0 if bodiless else count
        if gave_up and not bodiless and response.error is None:
            client_left(response)
        response.end()

    return wrap_file(WatchedFile(sent.filelike, read_file, file_closed), sent.block_size)


# --- How it ends. ---


def failed(response: Answering, error: BaseException) -> bytes:
    """Keep what the application raised; the body of the answer to it.

    Raises:
        BaseException: the server is to answer it, or the answer has begun and is cut.
    """
    call = response.call
    if (is_a(error, StopIteration) or is_a(error, ConnectionError)) and switches(response):
        response.end()
        raise error
    _keep(response, error)
    failure = _answerable(response, error)
    begun = call.response_bytes > 0
    if not begun:
        call.status = 500 if failure is None else status_of(failure)
    if failure is None or begun:
        response.end()
        raise error if failure is None else failure from error
    answer = answer_of(failure, call)
    headers = [*answer.headers, ("Content-Length", str(len(answer.body)))]
    try:
        restart(response, answer.status, headers, (Failure, failure, None))
    except Exception:
        response.end()
        raise
    response.started = True
    return answer.body


def raise_on(response: Answering, error: BaseException) -> NoReturn:
    """Let an error of the application go on to the server, which would end with one that is no
    ``Exception``."""
    _keep(response, error)
    if is_a(error, Exception) or _is_interrupt(response, error):
        raise error
    _log(response, error)
    raise _internal(error) from error


def switches(response: Answering) -> bool:
    """Whether a WebSocket library took the connection: it sends no answer through WSGI."""
    if response.started or str(response.environ.get("HTTP_UPGRADE")).lower() != "websocket":
        return False
    response.call.status = _SWITCHING_PROTOCOLS
    return True


def is_bodiless(response: Answering) -> bool:
    """Whether its status or the request's verb allows no body."""
    call = response.call
    return call.verb == "HEAD" or call.status in (204, 304) or 100 <= call.status < 200


def client_left(response: Answering) -> None:
    """The server gave up before the end of the answer."""
    call = response.call
    response.error = failure = Failure(
        Kind.CANCELLED,
        f"the client went away after {call.response_bytes} bytes of the answer",
        raised_by="peer",
    )
    call.status = failure.code


def end_input(response: Answering) -> None:
    """The body of the request is read no more."""
    body = response.input
    if body is not None:
        response.call.request_bytes = max(response.call.request_bytes, body.count)
        body.close()


def outcome(response: Answering) -> BaseException | None:
    """The exception that is recorded; None = the request was answered."""
    error, body, status = response.error, response.input, response.call.status
    if error is None:
        error = _behind_status(response, status)
    if body is not None and body.broken is not None and (error is not None or status >= 400):
        return body.failure(status)
    if error is None or is_a(error, Exception):
        return error
    if _is_interrupt(response, error):
        return failure_of(error)  # The server ends: the call is cancelled.
    return _internal(error)


def gate_broke(response: Answering, raised: BaseException) -> None:
    """A gate raised, on the way out, what is no failure of the call."""
    logger.error("a gate broke on leaving %s", response.call.method, exc_info=raised)


def failure_of_status(status: int, cause: BaseException | None = None) -> Failure:
    """What an error status says, when no exception does."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "error"
    text = f"{status} {phrase}" if cause is None else f"{status} {phrase}: {describe_error(cause)}"
    return Failure(Kind.of_http_status(status), text, code=status, raised_by="self")


def _behind_status(response: Answering, status: int) -> BaseException | None:
    """The exception that the framework answered, else a Failure for the status; None below 400.
    A business failure is an answer, whatever its status."""
    found = response.environ.get(ERROR_KEY)
    if is_a(found, Failure):
        found = failure_of(found)
        if found.kind is Kind.BUSINESS:
            response.call.business(found.code, found.message)
            return None
    if status < 400:
        return None
    if is_a(found, BaseException):
        return found
    if response.late is not None and status >= 500:
        return response.late
    return failure_of_status(status, response.late)


def _answerable(response: Answering, error: BaseException) -> Failure | None:
    """The failure that is answered here; None = the server does what it does with errors."""
    body = response.input
    if body is not None and body.broken is not None:
        return body.failure(400)
    if is_a(error, Failure):
        if is_a(error, Misuse):
            _log(response, error)
        return failure_of(error)
    if is_a(error, Exception) or _is_interrupt(response, error):
        return None
    _log(response, error)
    return _internal(error)


def _keep(response: Answering, error: BaseException) -> None:
    if response.error is None:
        response.error = error


def _is_interrupt(response: Answering, error: BaseException) -> bool:
    """Whether it is Ctrl-C at a server that runs applications on the main thread, such as
    ``flask run --without-threads``, and not raised by the application."""
    return (
        is_a(error, KeyboardInterrupt)
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        and "uwsgi.version" not in response.environ  # Its workers have handlers of their own.
    )


def _log(response: Answering, error: BaseException) -> None:
    call = response.call
    text = text_of(error) if is_a(error, Misuse) else describe_error(error)
    logger.error("%s %s failed: %s", call.verb, call.path, text, exc_info=error)


def _internal(error: BaseException) -> Failure:
    """A failure in place of an exception that would end a thread or the process."""
    failure = Failure(Kind.INTERNAL, describe_error(error), raised_by="self")
    failure.__cause__ = error
    return failure
