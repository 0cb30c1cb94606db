"""The one line of a bootstrap.py: run a Flask or Django application, a Thrift handler, a script."""

import socket
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from pie._core import gevent_patched, native
from pie.loop.native_loop import SpeakerFactory, nothing_else
from pie.serve.cache import choose_cache
from pie.serve.child import is_started_anew, join_service, nothing_serves
from pie.serve.django_settings import check_django_settings
from pie.serve.host.host import Serving
from pie.serve.host.http import http_server, needs_gunicorn
from pie.serve.launch import Launch, launch_of_caller
from pie.serve.process import Process, script_console
from pie.serve.service import Service
from pie.serve.settings.keys import Settings, SettingsError
from pie.serve.settings.loading import load_settings, settings_of
from pie.serve.workspace import Workspace

if TYPE_CHECKING:
    from pie.serve.status import StatusPages
    from pie.web.wsgi import Edge, WsgiApp


def flask(
    app: str, settings: ModuleType | None = None, *, thrift: tuple[str, str] | None = None
) -> "WsgiApp":
    """Serve a Flask application until the process is told to stop.

    In a uWSGI worker it returns at once: uWSGI serves the application it returns.

    Args:
        app: ``module:name`` of the application or of a factory, or ``module:factory('argument')``;
            imported after logging is in place.
        settings: the service's settings module; without one they stand in ``pie.toml`` and the
            environment.
        thrift: ``module:name`` of a generated service class, and of a class with its methods: it is
            served on the same port, too.
    """
    launch = launch_of_caller(settings)
    if is_started_anew():
        join_service(launch)
        return nothing_serves
    return run_flask(app, launch, thrift)


def django(
    project: str, settings: ModuleType | None = None, *, thrift: tuple[str, str] | None = None
) -> "WsgiApp":
    """Serve a Django project until the process is told to stop.

    In a uWSGI worker it returns at once: uWSGI serves the application it returns.

    Args:
        project: dotted name of the project's own settings module.
        settings: the service's settings module; without one they stand in ``pie.toml`` and the
            environment.
        thrift: ``module:name`` of a generated service class, and of a class with its methods: it is
            served on the same port, too.
    """
    launch = launch_of_caller(settings)
    if is_started_anew():
        join_service(launch)
        _configure_django(project)
        return nothing_serves
    return run_django(project, launch, thrift)


def thrift(
    service: str, handler: str, settings: ModuleType | None = None, *, gates: str = ""
) -> None:
    """Serve a Thrift service until the process is told to stop.

    Args:
        service: ``module:name`` of the generated service class.
        handler: ``module:name`` of a class with the service's methods.
        settings: the service's settings module; without one they stand in ``pie.toml`` and the
            environment.
        gates: ``module:name`` of a list of ``pie.govern.Gate`` objects that every call passes, last
            before its handler.
    """
    launch = launch_of_caller(settings)
    if is_started_anew():
        join_service(launch)
    else:
        run_thrift(service, handler, launch, gates=gates)


def script(settings: ModuleType | str | None = None) -> None:
    """Set up a script or a bare test file: after this line its clients work and its logs flow.

    Its command line and its stdout stay its own.

    Args:
        settings: a settings module, or just the name under which the script calls others (a PSM);
            without one they stand in ``pie.toml`` and the environment.
    """
    try:
        module = None if isinstance(settings, str) else settings
        file = sys.argv[0] if module is None else str(module.__file__)
        root = Path(file or ".").absolute().parent
        workspace = Workspace.from_environment(start=root)
        if isinstance(settings, str):
            loaded = settings_of(settings, project=workspace.project)
        else:
            loaded = load_settings(settings, project=workspace.project)
        console = script_console(loaded.settings)
        process = Process(loaded, workspace, root.resolve(), console=console)
    except SettingsError as error:
        sys.exit(f"pie: {error}")
    process.close_at_exit()


def run_flask(app: str, launch: Launch, thrift: tuple[str, str] | None = None) -> "WsgiApp":
    """``flask`` for a launch by any command."""
    service = Service(launch, "http", "flask")
    from pie.web.flask import describe, instrument, is_application

    application = service.load_application(app, "Flask", is_application)
    instrument(application, service.process.runtime, _edge(service.settings))
    if "cache" in application.extensions:
        service.say("I will use the application's own cache")
    else:
        cache = choose_cache(service.settings)
        application.extensions["cache"] = cache.of_flask()
        service.say(cache.announce())
    meta = describe(application, service.settings.PSM, service.settings.OWNERS)
    beside = _thrift_beside(service, thrift)
    service.run(meta, http_server(application, service.settings, beside))
    return application  # type: ignore[no-any-return]


def run_django(project: str, launch: Launch, thrift: tuple[str, str] | None = None) -> "WsgiApp":
    """``django`` for a launch by any command."""
    service = Service(launch, "http", "django")
    from pie.web.django import application, configure, describe

    cache = choose_cache(service.settings)

    def load() -> bool:
        check_django_settings(project, service.folder)
        return configure(project, cache.of_django())

    own = service.loading(project, load)
    service.say("I will use the project's own cache" if own else cache.announce())
    app = application(service.process.runtime, _edge(service.settings))
    meta = describe(service.settings.PSM, service.settings.OWNERS)
    service.run(meta, http_server(app, service.settings, _thrift_beside(service, thrift)))
    return app


def run_thrift(service: str, handler: str, launch: Launch, *, gates: str = "") -> None:
    """``thrift`` for a launch by any command."""
    from pie.rpc import ThriftServer, describe
    from pie.serve.settings.thrift import server_options

    process = Service(launch, "thrift")
    settings = process.settings
    try:
        status = _status_pages(process)
        options = server_options(settings, process.folder)
    except SettingsError as error:
        sys.exit(f"pie: {error}")
    description = process.load(service)
    implementation = process.loading(handler, process.load(handler))
    extra_gates = process.load(gates) if gates else ()

    def make_server(listener: socket.socket) -> Serving:
        server = ThriftServer(
            description,
            implementation,
            process.process.runtime,
            listener,
            options,
            gates=extra_gates,
            drain_seconds=settings.DRAIN_SECONDS,
            also=None if status is None else status.speakers(listener),
        )
        if status is not None:
            status.load = server.load
        return Serving(server, server.name, options.max_threads)

    process.run(describe(description, settings.PSM, settings.OWNERS), make_server)


def _status_pages(service: Service) -> "StatusPages | None":
    settings = service.settings
    if not settings.STATUS_PAGES:
        return None
    if native is None or gevent_patched() or settings.TLS_CERT:
        raise SettingsError("STATUS_PAGES is True; it needs the C core, and no TLS_CERT")
    from pie.serve.status import StatusPages

    def leaves() -> bool:
        return service.leaves

    return StatusPages(native, settings.PSM, settings.CLUSTER, settings.VERSION, leaves)


def _thrift_beside(service: Service, names: tuple[str, str] | None) -> SpeakerFactory:
    """Thrift on the port of an HTTP service."""
    if names is None:
        return nothing_else
    settings = service.settings
    if service.host.owns_command_line or needs_gunicorn(settings) or settings.TLS_CERT:
        sys.exit(
            "pie: thrift= is served by Pie's own HTTP server only: not by uWSGI or gunicorn, not "
            "without the C core, and not with TLS_CERT"
        )
    from pie.rpc import thrift_speakers
    from pie.serve.settings.thrift import server_options

    assert native is not None
    description = service.load(names[0])
    handler = service.loading(names[1], service.load(names[1]))
    options = server_options(settings, service.folder)
    return thrift_speakers(native, description, handler, service.process.runtime, options)


def _configure_django(project: str) -> None:
    """For a child that uses the project's models."""
    from pie.web.django import configure

    configure(project, choose_cache(Settings(PSM="")).of_django())


def _edge(settings: Settings) -> "Edge":
    from pie.web.peers import TrustedPeers
    from pie.web.wsgi import Edge

    return Edge(TrustedPeers(settings.TRUSTED_PEERS), settings.LOG_QUERY)
