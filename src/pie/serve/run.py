"""The one line of a bootstrap.py: run a Flask application, a Thrift handler, or a script."""

import atexit
import os
import sys
from pathlib import Path
from types import ModuleType

from pie.serve.process import Process
from pie.serve.service import Service
from pie.serve.settings import SettingsError, Workspace, settings_of


def flask(app: str, settings: ModuleType) -> None:
    """Serve a Flask application until the process is told to stop.

    Args:
        app: ``module:name`` of the application, imported after logging is in place.
        settings: the service's settings module.
    """
    from pie.serve.http import HttpServer
    from pie.web.flask import describe, instrument

    service = Service(settings)
    application = service.load(app)
    instrument(application, service.process.runtime)
    server = HttpServer(
        application,
        service.listener,
        threads=service.settings.THREADS,
        drain_seconds=service.settings.DRAIN_SECONDS,
    )
    service.run(server, describe(application, service.settings.PSM, service.settings.OWNERS))


def thrift(service: str, handler: str, settings: ModuleType) -> None:
    """Serve a Thrift service until the process is told to stop.

    Args:
        service: ``module:name`` of the generated service class.
        handler: ``module:name`` of a class with the service's methods.
        settings: the service's settings module.
    """
    from pie.rpc import ThriftServer, describe

    process = Service(settings)
    description = process.load(service)
    server = ThriftServer(
        description,
        process.load(handler)(),
        process.process.runtime,
        process.listener,
        drain_seconds=process.settings.DRAIN_SECONDS,
    )
    process.run(server, describe(description, process.settings.PSM, process.settings.OWNERS))


def script(psm: str) -> None:
    """Set up a script or a bare test file: after this line its clients work and its logs flow.

    Args:
        psm: the name under which the script calls others.
    """
    try:
        process = Process(
            settings_of(psm), Workspace.from_environment(), Path(sys.argv[0] or ".").parent
        )
    except SettingsError as error:
        sys.exit(f"pie: {error}")
    owner = os.getpid()
    atexit.register(lambda: process.close() if os.getpid() == owner else None)
