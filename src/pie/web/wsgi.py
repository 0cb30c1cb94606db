"""Any WSGI application as a server of Calls.

The call enters its gates before the application sees the request and leaves them when the last
byte of the body has been produced, however the application streams it. A call that a gate rejects
does not reach the application (``pie.web.reply``).
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, NoReturn

from pie.call import Driver, Runtime
from pie.model import Call, Failure, is_for, misdirected
from pie.web.body import RequestBody
from pie.web.file import SentFile
from pie.web.headers import ADDRESSEE_KEY, take_chain
from pie.web.path import QueryRule, path_of
from pie.web.peers import TrustedPeers
from pie.web.reply import Answer, Refusal, Reply, Unserved
from pie.web.response import FILE_WRAPPER, Environ, Response, StartResponse

WsgiApp = Callable[[Environ, StartResponse], Iterable[bytes]]

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


class Middleware:
    """Wraps a WSGI application.

    Args:
        app: the application.
        runtime: of this process.
        edge: how requests from outside are treated.
        method: of requests to which the application gives none; empty = their verb.
    """

    def __init__(
        self, app: WsgiApp, runtime: Runtime, edge: Edge | None = None, *, method: str = ""
    ) -> None:
        self._app = app
        self._identity = runtime.identity
        self._driver = Driver(runtime.policies.server(reply=[Reply()]))
        self._edge = edge or Edge()
        self._method = method

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        call = self._call(environ)
        try:
            open_call = self._driver.begin(call)
        except Failure:
            if type(call.result) is not Answer:
                raise
        if type(call.result) is Answer:
            return call.result.send(start_response)
        if self._method:
            call.method = self._method  # Gates saw the verb: no route is known before they enter.
        app, body = self._app, None
        if ADDRESSEE_KEY in environ and not self._is_addressee(environ):
            app = self._misdirected
        if environ.get("CONTENT_LENGTH", "0") not in _NO_LENGTH or _ENCODING in environ:
            try:
                body = environ["wsgi.input"] = _body(environ)
            except Refusal as refusal:
                app = _refusing(refusal)
        wrap_file = environ.get(FILE_WRAPPER)
        if wrap_file is not None:
            environ[FILE_WRAPPER] = SentFile
        return Response(call, open_call, environ, start_response, body).answer(app, wrap_file)

    def _is_addressee(self, environ: Environ) -> bool:
        """Whether the request is for this process: another one may have had its address before."""
        return is_for(str(environ[ADDRESSEE_KEY]), self._identity.psm, self._identity.instance)

    def _misdirected(self, environ: Environ, _start_response: StartResponse) -> NoReturn:
        to, who = str(environ[ADDRESSEE_KEY]), self._identity
        failure = misdirected(to, who.psm, who.instance)
        raise Unserved(failure.kind, failure.message, never_sent=True)

    def _call(self, environ: Environ) -> Call:
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
        call.path = path_of(environ, self._edge.query)
        call.received = environ.get(RECEIVED_KEY, 0.0)
        take_chain(call, environ, self._edge.trusted, address)
        length = environ.get("CONTENT_LENGTH")
        if length:
            call.request_bytes = _number(str(length)) or 0
        return call


_NO_LENGTH = ("", "0", None)
_ENCODING = "HTTP_TRANSFER_ENCODING"
_MAX_DIGITS = 18


def _number(text: str) -> int | None:
    """A Content-Length; None for what is none, or more than anybody can send."""
    return int(text) if text.isdecimal() and len(text) <= _MAX_DIGITS else None


def _body(environ: Environ) -> RequestBody:
    """The body of a request that has one.

    Raises:
        Refusal: this server cannot say where it ends.
    """
    length = str(environ.get("CONTENT_LENGTH") or "")
    source: Any = environ.get("wsgi.input")
    if length:
        number = _number(length)
        if number is None:
            raise Refusal(413, "no body is taken whose Content-Length is no number of bytes")
        return RequestBody(source, number)
    if not environ.get("wsgi.input_terminated"):
        raise Refusal(
            411,
            "this server reads no body of unknown length: send Content-Length in place of "
            "Transfer-Encoding",
        )
    return RequestBody(source, None)


def _refusing(refusal: Refusal) -> WsgiApp:
    """An application that refuses the request."""

    def refuse(_environ: Environ, _start_response: StartResponse) -> NoReturn:
        raise refusal

    return refuse
