"""Flask as a server of Calls: the views stay plain Flask.

Routing, error handlers, signals, blueprints and test clients work as before.
"""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import flask
from flask import Flask, Response, request
from flask.signals import got_request_exception

from pie.call import Runtime
from pie.model import Call, Failure, Kind, current_call, failure_of
from pie.state import Interface, ServiceMeta
from pie.web.body import BrokenBody
from pie.web.errors import error_body
from pie.web.names import view_name
from pie.web.start import ERROR_KEY
from pie.web.wsgi import UNMATCHED, Edge, Middleware

_EXTENSION = "pie"


def is_application(value: object) -> bool:
    """Whether it is a Flask application, or another that has its ``wsgi_app``."""
    return callable(getattr(value, "wsgi_app", None))


def instrument(app: Flask, runtime: Runtime, edge: Edge | None = None) -> None:
    """Make every request of ``app`` a Call. Doing it twice is the same as once."""
    if _EXTENSION in app.extensions:
        return
    app.extensions[_EXTENSION] = runtime
    app.wsgi_app = Middleware(  # type: ignore[method-assign]
        app.wsgi_app, runtime, edge, method=UNMATCHED
    )
    app.full_dispatch_request = _naming(app)  # type: ignore[method-assign]
    got_request_exception.connect(_keep_exception, app)
    handlers = app.error_handler_spec[None][None]
    if Failure not in handlers:
        app.register_error_handler(Failure, _answer_failure)
    if BrokenBody not in handlers:
        app.register_error_handler(BrokenBody, _answer_broken_body)


def describe(app: Flask, psm: str, owners: tuple[str, ...]) -> ServiceMeta:
    """The description of a Flask service, with its routes."""
    interfaces = tuple(
        Interface(
            method=view_name(app.view_functions.get(rule.endpoint), rule.endpoint),
            route=rule.rule,
            verbs=tuple(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})),
        )
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static"
    )
    return ServiceMeta(
        psm=psm,
        framework="flask",
        framework_version=version("flask"),
        protocol="http",
        owners=owners,
        interfaces=interfaces,
    )


def _naming(app: Flask) -> Callable[[], Response]:
    """The application's ``full_dispatch_request``, which names the method of the call first: its
    route is known by then, and no view has run. It costs less than a receiver of a signal."""
    kind: Any = type(app)
    own = vars(app).get("full_dispatch_request")
    own_request = request._get_current_object  # type: ignore[attr-defined]
    names: dict[str, tuple[object, str]] = {}

    def dispatch() -> Response:
        call = current_call.get()
        rule = None if call is None else own_request().url_rule
        if call is not None and rule is not None and call.side == "server":
            endpoint = rule.endpoint
            view = app.view_functions.get(endpoint)
            known = names.get(endpoint)
            if known is None or known[0] is not view:
                known = names[endpoint] = view, view_name(view, endpoint)
            call.method = known[1]
            call.route = rule.rule
        answer: Response = kind.full_dispatch_request(app) if own is None else own()
        return answer

    return dispatch


def _keep_exception(_sender: Flask, exception: BaseException, **_: object) -> None:
    request.environ[ERROR_KEY] = exception


def _answer_failure(failure: Failure) -> Response:
    """A failure that a view let through, such as that of an RPC, in the one error form."""
    failure = failure_of(failure)
    request.environ[ERROR_KEY] = failure
    body = error_body(failure, _served_call())
    return flask.Response(body, status=failure.kind.http_status, mimetype="application/json")


def _answer_broken_body(error: BrokenBody) -> Response:
    """A request whose body ended early, or whose chunks are damaged: the caller's doing."""
    return _answer_failure(Failure(Kind.INVALID, str(error), raised_by="peer"))


def _served_call() -> Call | None:
    call = current_call.get()
    return call if call is not None and call.side == "server" else None
