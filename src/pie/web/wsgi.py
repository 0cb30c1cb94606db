"""Any WSGI application as a server of Calls.

The call enters its gates before the application sees the request and leaves them when the last
byte of the body has been produced, however the application streams it. A call that a gate rejects
does not reach the application (``pie.web.reply``).
"""

from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from types import TracebackType
from typing import Any

from pie.call import Driver, OpenCall, Runtime
from pie.model import Call, Failure, Kind, current_call
from pie.web.headers import LOGID, read_environ
from pie.web.reply import Answer, Reply

Environ = dict[str, Any]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType]
StartResponse = Callable[..., Callable[[bytes], object]]
WsgiApp = Callable[[Environ, StartResponse], Iterable[bytes]]

ERROR_KEY = "pie.error"
"""Environ key under which a framework adapter leaves the exception that made the response."""


class Middleware:
    """Wraps a WSGI application.

    Args:
        app: the application.
        runtime: of this process.
    """

    def __init__(self, app: WsgiApp, runtime: Runtime) -> None:
        self._app = app
        self._identity = runtime.identity
        self._driver = Driver(runtime.policies.server(reply=[Reply()]))

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        call = self._call(environ)
        try:
            open_call = self._driver.begin(call)
        except Failure:
            if not isinstance(call.result, Answer):
                raise
        if isinstance(call.result, Answer):
            return call.result.send(start_response)
        response = _Response(call, open_call, environ)
        with _Serving(call):
            try:
                response.iterate(self._app(environ, response.starter(start_response)))
            except BaseException as error:
                response.abandon(error)
                raise
        return response

    def _call(self, environ: Environ) -> Call:
        incoming = read_environ(environ)
        who = self._identity
        call = Call(
            "server",
            "http",
            caller="",
            callee=who.psm,
            callee_cluster=who.cluster,
            method="",
            logid=incoming.logid,
            parent_id=incoming.parent_id,
            peer=_peer(environ),
        )
        call.verb = str(environ.get("REQUEST_METHOD", ""))
        call.method = call.verb
        call.persist = incoming.persist
        call.transit = incoming.transit
        length = str(environ.get("CONTENT_LENGTH") or "0")
        call.request_bytes = int(length) if length.isdecimal() else 0
        return call


class _Serving:
    """Makes the call the current one while the application runs, and only then: a server may read
    the bodies of several responses on one thread."""

    __slots__ = ("_call", "_outer")

    def __init__(self, call: Call) -> None:
        self._call = call

    def __enter__(self) -> None:
        self._outer = current_call.get()
        current_call.set(self._call)

    def __exit__(self, *_: object) -> None:
        current_call.set(self._outer)


class _Response:
    """The body of one response; its call ends with the last byte, or when it is closed."""

    def __init__(self, call: Call, open_call: OpenCall, environ: Environ) -> None:
        self._call = call
        self._open = open_call
        self._environ = environ
        self._body: Iterable[bytes] = ()
        self._chunks: Iterator[bytes] = iter(())
        self._error: BaseException | None = None
        self._done = False

    def starter(self, start_response: StartResponse) -> StartResponse:
        """``start_response`` that reads the status and adds the logid."""

        def start(
            status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
        ) -> Callable[[bytes], object]:
            self._call.status = int(status[:3])
            headers = [*headers, (LOGID, self._call.logid)]
            if exc_info is None:
                return start_response(status, headers)
            return start_response(status, headers, exc_info)

        return start

    def iterate(self, body: Iterable[bytes]) -> None:
        self._body = body
        self._chunks = iter(body)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        call = self._call
        try:
            with _Serving(call):
                chunk = next(self._chunks)
        except StopIteration:
            self._end()
            raise
        except BaseException as error:
            self.abandon(error)
            raise
        call.response_bytes += len(chunk)
        return chunk

    def close(self) -> None:
        """The server has sent the body, or given up on it."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                with _Serving(self._call):
                    close()
        except BaseException as error:
            self._error = self._error or error
            raise
        finally:
            self._end()

    def abandon(self, error: BaseException) -> None:
        """End the call with what the application raised, before or inside its answer."""
        self._error = error
        self._end()

    def _end(self) -> None:
        if self._done:
            return
        self._done = True
        error = self._error or self._error_behind_status()
        try:
            if error is None:
                self._open.succeed()
            else:
                self._open.fail(error)
        except Failure:
            pass  # The call is recorded, and the client has its answer.
        except BaseException as raised:
            if raised is not error:
                raise

    def _error_behind_status(self) -> BaseException | None:
        """The exception that the framework answered, else a Failure for the status; None below 400.
        A business failure is an answer, whatever its status."""
        found = self._environ.get(ERROR_KEY)
        if isinstance(found, Failure) and found.kind is Kind.BUSINESS:
            self._call.business(found.code, found.message)
            return None
        if self._call.status < 400:
            return None
        if isinstance(found, BaseException):
            return found
        return _failure_of_status(self._call.status)


def _failure_of_status(status: int) -> Failure:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "error"
    kind = Kind.of_http_status(status)
    return Failure(kind, f"{status} {phrase}", code=status, raised_by="self")


def _peer(environ: Environ) -> str:
    address, port = environ.get("REMOTE_ADDR") or "", environ.get("REMOTE_PORT") or ""
    return f"{address}:{port}" if address and port else str(address or "unix")
