"""Django as a server of Calls: the project stays plain Django.

Uses Django's own request handler, signals and resolver; middleware, admin, ORM, sessions, test
clients and ``manage.py`` work as before.
"""

import functools
import inspect
import os
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

import django
from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.core.handlers import base
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, get_resolver

from pie.call import Runtime
from pie.model import Call, Failure, Kind, current_call, failure_of, is_a
from pie.state import Interface, ServiceMeta
from pie.web.body import RequestBody
from pie.web.errors import error_body
from pie.web.names import view_name
from pie.web.start import ERROR_KEY, Environ, StartResponse
from pie.web.wsgi import UNMATCHED, Edge, Middleware, WsgiApp

_STATIC_FILES = "django.contrib.staticfiles"
_MAX_NAMES = 10_000
_names: dict[str, tuple[object, str, str]] = {}
"""By routes: the view, the name of the method, and the route as records show it."""


def configure(project: str, cache: dict[str, Any]) -> bool:
    """Load a project.

    Args:
        project: dotted name of its settings module.
        cache: its default cache, if it names none itself.

    Returns:
        Whether it names its caches itself.

    Raises:
        ModuleNotFoundError: there are no such settings.
    """
    os.environ["DJANGO_SETTINGS_MODULE"] = project
    own: bool = settings.is_overridden("CACHES")
    if not own:
        settings.CACHES = {"default": cache}
    django.setup()
    return own


def application(runtime: Runtime, edge: Edge | None = None) -> WsgiApp:
    """The configured project as a WSGI application, every request of it a Call."""
    got_request_exception.connect(_keep_exception, dispatch_uid="pie")
    handler: WsgiApp = _Handler()
    if settings.DEBUG and _STATIC_FILES in settings.INSTALLED_APPS:
        # As runserver does: in development the admin has its styles.
        from django.contrib.staticfiles.handlers import StaticFilesHandler

        handler = StaticFilesHandler(handler)  # type: ignore[arg-type]
    return Middleware(handler, runtime, edge, method=UNMATCHED)


def describe(psm: str, owners: tuple[str, ...]) -> ServiceMeta:
    """The description of a Django service, with its routes."""
    return ServiceMeta(
        psm=psm,
        framework="django",
        framework_version=django.get_version(),
        protocol="http",
        owners=owners,
        interfaces=tuple(_interfaces(get_resolver(), "")),
    )


class _Handler(WSGIHandler):
    """Django's handler; it names the method of the call, gives Django the length of a chunked body,
    and answers failures that neither view nor middleware handled."""

    def __call__(self, environ: Environ, start_response: StartResponse) -> Any:
        body = environ.get("wsgi.input")
        if type(body) is RequestBody and not environ.get("CONTENT_LENGTH"):
            environ["CONTENT_LENGTH"] = str(body.spool())  # Without one Django reads no body.
        return super().__call__(environ, start_response)

    def load_middleware(self, is_async: bool = False) -> None:
        module: Any = base
        convert = module.convert_exception_to_response
        # Django puts it around the view and around each middleware.
        module.convert_exception_to_response = functools.partial(_converting, convert)
        try:
            super().load_middleware(is_async)
        finally:
            module.convert_exception_to_response = convert

    def resolve_request(self, request: HttpRequest) -> Any:
        match = super().resolve_request(request)
        call = current_call.get()
        if call is not None and call.side == "server":
            view, route = match.func, match.route
            known = _names.get(route)
            if known is None or known[0] is not view:
                known = view, view_name(view, route), _template(route)
                if len(_names) < _MAX_NAMES:  # A resolver may make up routes.
                    _names[route] = known
            call.method, call.route = known[1:]
        return match


def _interfaces(resolver: URLResolver, prefix: str) -> Iterator[Interface]:
    for each in resolver.url_patterns:
        route = f"{prefix}{each.pattern}"
        if isinstance(each, URLResolver):
            yield from _interfaces(each, route)
        elif isinstance(each, URLPattern):
            yield Interface(
                method=view_name(each.callback, route),
                route=_template(route),
                verbs=_verbs(each.callback),
            )


def _template(route: str) -> str:
    """The path that a route matches: ``/items/<int:item_id>/``; a regular expression stays one."""
    return "/" + route.removeprefix("^").removesuffix(r"\Z").removesuffix("$")


def _verbs(view: Any) -> tuple[str, ...]:
    """The verbs that a class view answers; a function view decides for itself."""
    try:
        kind = getattr(view, "view_class", None)
        names = getattr(kind, "http_method_names", ()) if inspect.isclass(kind) else ()
        verbs = [name.upper() for name in names if name != "options" and hasattr(kind, name)]
    except Exception:
        return ()  # An object of its own kind, which is asked for nothing else.
    return tuple(sorted(verbs))


def _keep_exception(request: HttpRequest | None = None, **_: object) -> None:
    """Sent while an exception that nobody handled is being turned into a 500."""
    environ = getattr(request, "environ", None)
    error = sys.exc_info()[1]
    if environ is not None and error is not None:
        environ[ERROR_KEY] = error


def _converting(convert: Any, get_response: Any) -> Any:
    """``get_response`` of a middleware or of the view, which answers failures in the one error
    form, and other errors as Django does.

    Args:
        convert: makes a ``get_response`` that does the latter.
    """
    if iscoroutinefunction(get_response):

        @functools.wraps(get_response)
        async def answer_later(request: HttpRequest) -> Any:
            try:
                return await get_response(request)
            except Exception as error:
                response = _answer(request, error)
                if response is None:
                    raise
                return response

        return convert(answer_later)

    @functools.wraps(get_response)
    def answer(request: HttpRequest) -> Any:
        try:
            return get_response(request)
        except Exception as error:
            response = _answer(request, error)
            if response is not None:
                return response
            # Converted here, so that a request that goes well passes one function, as without Pie.
            return convert(functools.partial(_raise, error))(request)

    return answer


def _raise(error: Exception, _request: HttpRequest) -> NoReturn:
    raise error


def _answer(request: HttpRequest, error: Exception) -> HttpResponse | None:
    """The error form of a failure, such as that of an RPC, or of a broken body of the request; None
    for any other error, which is Django's to answer."""
    environ = getattr(request, "environ", {})
    body = environ.get("wsgi.input")
    if is_a(error, Failure):
        failure = failure_of(error)
    elif type(body) is RequestBody and body.broken is not None:
        failure = body.failure(Kind.INVALID.http_status)
    else:
        return None
    environ[ERROR_KEY] = failure
    content = error_body(failure, _served_call())
    return HttpResponse(content, status=failure.kind.http_status, content_type="application/json")


def _served_call() -> Call | None:
    call = current_call.get()
    return call if call is not None and call.side == "server" else None
