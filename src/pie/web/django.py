"""Django as a server of Calls: the project stays plain Django.

Uses Django's own request handler, signals and resolver; middleware, admin, ORM, sessions, test
clients and ``manage.py`` work as before.
"""

import inspect
import os
import sys
from collections.abc import Iterator
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, get_resolver

from pie.call import Runtime
from pie.model import Call, Failure, current_call
from pie.state import Interface, ServiceMeta
from pie.web.errors import error_body
from pie.web.wsgi import ERROR_KEY, Middleware, WsgiApp

_STATIC_FILES = "django.contrib.staticfiles"


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


def application(runtime: Runtime) -> WsgiApp:
    """The configured project as a WSGI application, every request of it a Call."""
    got_request_exception.connect(_keep_exception, dispatch_uid="pie")
    handler: WsgiApp = _Handler()
    if settings.DEBUG and _STATIC_FILES in settings.INSTALLED_APPS:
        # As runserver does: in development the admin has its styles.
        from django.contrib.staticfiles.handlers import StaticFilesHandler

        handler = StaticFilesHandler(handler)  # type: ignore[arg-type]
    return Middleware(handler, runtime)


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
    """Django's handler; it names the method of the call and answers failures nobody handled."""

    _exception_middleware: list[Any]

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async)
        # Last in the list, so the project's own middleware answers first.
        self._exception_middleware.append(_answer_failure)

    def resolve_request(self, request: HttpRequest) -> Any:
        match = super().resolve_request(request)
        call = _served_call()
        if call is not None:
            call.method = _view_path(match.func)
            call.route = _template(match.route)
        return match


def _interfaces(resolver: URLResolver, prefix: str) -> Iterator[Interface]:
    for each in resolver.url_patterns:
        route = f"{prefix}{each.pattern}"
        if isinstance(each, URLResolver):
            yield from _interfaces(each, route)
        elif isinstance(each, URLPattern):
            yield Interface(
                method=_view_path(each.callback),
                route=_template(route),
                verbs=_verbs(each.callback),
            )


def _template(route: str) -> str:
    """The path that a route matches: ``/items/<int:item_id>/``; a regular expression stays one."""
    return "/" + route.removeprefix("^").removesuffix(r"\Z").removesuffix("$")


def _view_path(view: Any) -> str:
    """``module.function`` or ``module.Class`` of a view."""
    while hasattr(view, "func") and not hasattr(view, "__name__"):
        view = view.func  # A partial.
    view = getattr(view, "view_class", None) or getattr(view, "cls", None) or view
    if not hasattr(view, "__qualname__"):
        view = type(view)
    return f"{view.__module__}.{view.__qualname__}"


def _verbs(view: Any) -> tuple[str, ...]:
    """The verbs that a class view answers; a function view decides for itself."""
    kind = getattr(view, "view_class", None)
    if not inspect.isclass(kind):
        return ()
    names = getattr(kind, "http_method_names", ())
    return tuple(
        sorted(name.upper() for name in names if name != "options" and hasattr(kind, name))
    )


def _keep_exception(request: HttpRequest | None = None, **_: object) -> None:
    """Sent while an exception that nobody handled is being turned into a 500."""
    environ = getattr(request, "environ", None)
    error = sys.exc_info()[1]
    if environ is not None and error is not None:
        environ[ERROR_KEY] = error


def _answer_failure(request: HttpRequest, error: Exception) -> HttpResponse | None:
    """A failure that a view let through, such as that of an RPC, in the one error form."""
    if not isinstance(error, Failure):
        return None
    environ = getattr(request, "environ", None)
    if environ is not None:
        environ[ERROR_KEY] = error
    body = error_body(error, _served_call())
    return HttpResponse(body, status=error.kind.http_status, content_type="application/json")


def _served_call() -> Call | None:
    call = current_call.get()
    return call if call is not None and call.side == "server" else None
