"""Any WSGI application as a server of Calls.

The call enters its gates before the application sees the request and leaves them when the last
byte of the body has been produced, however the application streams it. A call that a gate rejects
does not reach the application (``pie.web.reply``).
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from pie._core import native
from pie.call import Driver, Runtime
from pie.model import Call, Failure, Kind, is_for, misdirected
from pie.web.body import RequestBody
from pie.web.file import SentFile
from pie.web.headers import ADDRESSEE_KEY, take_chain
from pie.web.path import QueryRule, path_of
from pie.web.peers import TrustedPeers
from pie.web.reply import Answer, Refusal, Reply, Unserved
from pie.web.response import PythonResponse
from pie.web.start import FILE_WRAPPER, Environ, StartResponse

WsgiApp = Callable[[Environ, StartResponse], Iterable[bytes]]

OVERLOADED_KEY = "pie.overloaded"
"""Environ key by which a server says that no thread is free for the request: it is refused."""
RECEIVED_KEY = "pie.received"
"""Environ key under which a server leaves when the request came (monotonic seconds)."""
UNMATCHED = "(unmatched)"
"""The method of requests that no route of a framework matched: paths are anybody's choice."""


class Edge(NamedTuple):
    """How a service treats requests that come from outside.

    Attributes:
        trusted: peers whose metadata goes into the chain; that of others is dropped.
        query: what records and access lines show of a query string.
    """

    trusted: TrustedPeers = TrustedPeers()
    query: QueryRule = "keys"


class PythonMiddleware:
    """Wraps a WSGI application. The twin of ``_native.Middleware``.

    Args:
        app: the application.
        runtime: of this process.
        edge: how requests from outside are treated.
        method: of requests to which the application gives none; empty = their verb.
    """

    def __init__(
        self, app: WsgiApp, runtime: Runtime, edge: Edge | None = None, *, method: str = ""
    ) -> None:
        self.course = runtime.policies.server(reply=[Reply()])
        self._app = app
        self._identity = runtime.identity
        self._driver = Driver(self.course)
        self.edge = edge or Edge()
        self._method = method

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        call = self.call_of(environ)
        try:
            open_call = self._driver.begin(call)
        except Failure:
            if type(call.result) is not Answer:
                raise
        if type(call.result) is Answer:
            return call.result.send(start_response)
        if self._method:
            call.method = self._method  # Gates saw the verb: no route is known before they enter.
        app, body = self.app_for(environ), None
        if environ.get("CONTENT_LENGTH", "0") not in _NO_LENGTH or _ENCODING in environ:
            try:
                body = take_body(environ)
            except Refusal as refusal:
                app = refusing(refusal)
        wrap_file = environ.get(FILE_WRAPPER)
        if wrap_file is not None:
            environ[FILE_WRAPPER] = SentFile
        response = PythonResponse(call, open_call, environ, start_response, body)
        return response.answer(app, wrap_file)

    def app_for(self, environ: Environ) -> WsgiApp:
        """The application; a refusal where no thread is free, or the request is for a process that
        had the address before."""
        if OVERLOADED_KEY in environ:
            return self._overloaded
        who = self._identity
        if is_for(str(environ.get(ADDRESSEE_KEY, "")), who.psm, who.instance):
            return self._app
        return self._misdirected

    def call_of(self, environ: Environ) -> Call:
        """The call that a request is."""
        who = self._identity
        verb = str(environ.get("REQUEST_METHOD", ""))
        address = str(environ.get("REMOTE_ADDR") or "")
        port = environ.get("REMOTE_PORT")
        call = Call(
            "server",
            "http",
            caller="",
            callee=who.psm,
            callee_cluster=who.cluster,
            method=verb,
            peer=f"{address}:{port}" if address and port else address or "unix",
        )
        call.verb = verb
        call.path = path_of(environ, self.edge.query)
        call.received = environ.get(RECEIVED_KEY, 0.0)
        take_chain(call, environ, self.edge.trusted, address)
        length = environ.get("CONTENT_LENGTH")
        if length:
            call.request_bytes = _number(str(length)) or 0
        return call

    def _overloaded(self, _environ: Environ, _start_response: StartResponse) -> NoReturn:
        raise Unserved(
            Kind.EXHAUSTED,
            f"{self._identity.psm} is overloaded: all of its threads have been busy for too long; "
            "try again, or let it run more threads or instances",
            never_sent=True,
        )

    def _misdirected(self, environ: Environ, _start_response: StartResponse) -> NoReturn:
        to, who = str(environ[ADDRESSEE_KEY]), self._identity
        failure = misdirected(to, who.psm, who.instance)
        raise Unserved(failure.kind, failure.message, never_sent=True)


_NO_LENGTH = ("", "0", None)
_ENCODING = "HTTP_TRANSFER_ENCODING"
_MAX_DIGITS = 18


def _number(text: str) -> int | None:
    """A Content-Length; None for what is none, or more than anybody can send."""
    return int(text) if text.isdecimal() and len(text) <= _MAX_DIGITS else None


def take_body(environ: Environ) -> RequestBody:
    """The body of a request that has one; the application reads it in place of the server's.

    Raises:
        Refusal: this server cannot say where it ends.
    """
    length = str(environ.get("CONTENT_LENGTH") or "")
    source: Any = environ.get("wsgi.input")
    if length:
        number = _number(length)
        if number is None:
            raise Refusal(413, "no body is taken whose Content-Length is no number of bytes")
        body = RequestBody(source, number)
    elif environ.get("wsgi.input_terminated"):
        body = RequestBody(source, None)
    else:
        raise Refusal(
            411,
            "this server reads no body of unknown length: send Content-Length in place of "
            "Transfer-Encoding",
        )
    environ["wsgi.input"] = body
    return body


def refusing(refusal: Refusal) -> WsgiApp:
    """An application that refuses the request."""

    def refuse(_environ: Environ, _start_response: StartResponse) -> NoReturn:
        raise refusal

    return refuse


Middleware = PythonMiddleware
if not TYPE_CHECKING and native is not None:
    from pie.web import native_hooks

    native_hooks.set_up(native, PythonMiddleware, take_body, refusing)
    Middleware = native.Middleware
