"""The one line of a bootstrap.py: run a Flask or Django application, a Thrift handler, a script."""

import atexit
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from pie.serve.cache import choose_cache
from pie.serve.extras import require
from pie.serve.process import Process, script_console
from pie.serve.service import Service
from pie.serve.settings.keys import SettingsError
from pie.serve.settings.loading import load_settings, settings_of
from pie.serve.workspace import Workspace
from pie.state import ServiceMeta

if TYPE_CHECKING:
    from pie.web.wsgi import WsgiApp

HTTP_THREADS = 16


def flask(app: str, settings: ModuleType) -> "WsgiApp":
    """Serve a Flask application until the process is told to stop.

    In a uWSGI worker it returns at once: uWSGI serves the application it returns.

    Args:
        app: ``module:name`` of the application, imported after logging is in place.
        settings: the service's settings module.
    """
    require("flask")
    from pie.web.flask import describe, instrument

    service = Service(settings, "http")
    application = service.load(app)
    if not callable(getattr(application, "wsgi_app", None)):
        sys.exit(f"pie: {app}, which bootstrap.py names, is no Flask application")
    instrument(application, service.process.runtime)
    if "cache" in application.extensions:
        _say(service, "I will use the application's own cache")
    else:
        cache = choose_cache(service.settings)
        application.extensions["cache"] = cache.of_flask()
        _say(service, cache.announce())
    meta = describe(application, service.settings.PSM, service.settings.OWNERS)
    return _serve(service, application, meta)


def django(project: str, settings: ModuleType) -> "WsgiApp":
    """Serve a Django project until the process is told to stop.

    In a uWSGI worker it returns at once: uWSGI serves the application it returns.

    Args:
        project: dotted name of the project's own settings module.
        settings: the service's settings module.
    """
    require("django")
    from pie.web.django import application, configure, describe

    service = Service(settings, "http")
    cache = choose_cache(service.settings)
    try:
        own = configure(project, cache.of_django())
    except ModuleNotFoundError as error:
        if error.name is None or not f"{project}.".startswith(f"{error.name}."):
            raise
        first = project.partition(".")[0]
        shadow = getattr(sys.modules.get(first), "__file__", None)
        hint = f": {first!r} is {shadow}" if shadow else ""
        sys.exit(f"pie: no Django settings {project!r}, which bootstrap.py names{hint}")
    service.take_back_logging()
    _say(service, "I will use the project's own cache" if own else cache.announce())
    app = application(service.process.runtime)
    meta = describe(service.settings.PSM, service.settings.OWNERS)
    return _serve(service, app, meta)


def thrift(service: str, handler: str, settings: ModuleType, *, gates: str = "") -> None:
    """Serve a Thrift service until the process is told to stop.

    Args:
        service: ``module:name`` of the generated service class.
        handler: ``module:name`` of a class with the service's methods.
        settings: the service's settings module.
        gates: ``module:name`` of a list of ``pie.govern.Gate`` objects that every call passes, last
            before its handler.
    """
    from pie.rpc import ThriftServer, describe
    from pie.serve.settings.thrift import server_options

    process = Service(settings, "thrift")
    try:
        options = server_options(process.settings, Path(str(settings.__file__)).absolute().parent)
    except SettingsError as error:
        sys.exit(f"pie: {error}")
    description = process.load(service)
    server = ThriftServer(
        description,
        process.load(handler)(),
        process.process.runtime,
        process.listener,
        options,
        gates=process.load(gates) if gates else (),
        drain_seconds=process.settings.DRAIN_SECONDS,
    )
    meta = describe(description, process.settings.PSM, process.settings.OWNERS)
    process.run(server, meta, name=server.name, threads=options.max_threads)


def script(settings: ModuleType | str) -> None:
    """Set up a script or a bare test file: after this line its clients work and its logs flow.

    Its command line and its stdout stay its own.

    Args:
        settings: a settings module, or just the name under which the script calls others (a PSM).
    """
    try:
        if isinstance(settings, str):
            loaded = settings_of(settings)
            root = Path(sys.argv[0] or ".").absolute().parent
        else:
            loaded = load_settings(settings)
            root = Path(str(settings.__file__)).absolute().parent
        workspace = Workspace.from_environment(start=root)
        console = script_console(loaded.settings)
        process = Process(loaded, workspace, root.resolve(), console=console)
    except SettingsError as error:
        sys.exit(f"pie: {error}")
    owner = os.getpid()
    atexit.register(lambda: process.close() if os.getpid() == owner else None)


def _serve(service: Service, app: "WsgiApp", meta: ServiceMeta) -> "WsgiApp":
    if service.host is not None:
        service.run_hosted(meta)
        return app
    require("http")
    from pie.serve.host.gunicorn import HttpServer

    threads = service.settings.THREADS or HTTP_THREADS
    server = HttpServer(
        app, service.listener, threads=threads, drain_seconds=service.settings.DRAIN_SECONDS
    )
    service.run(server, meta, name="gunicorn gthread", threads=threads)
    return app


def _say(service: Service, line: str) -> None:
    """A plain line on the console, as people know it; of several workers one says it."""
    if service.host is None or service.host.worker <= 1:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
