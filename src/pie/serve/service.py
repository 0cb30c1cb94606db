"""A service from start to stop: listen, set up, import, serve, register, drain."""

import importlib
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import pie
from pie.serve.listen import listen
from pie.serve.process import Process
from pie.serve.settings import SettingsError, Workspace, load_settings
from pie.state import Instance, Registrar, ServiceMeta

logger = logging.getLogger(__name__)
_NOTICE_SECONDS = 0.2
"""Between deregistration and drain: callers that watch the registry have turned away by then."""


class Server(Protocol):
    """What a service runs."""

    def serve(self) -> None:
        """Serve until stopped and drained."""

    def stop(self) -> None:
        """Let ``serve`` return; callable from any thread."""


class Service:
    """The one service of this process.

    Args:
        settings: the service's settings module.
    """

    def __init__(self, settings: ModuleType) -> None:
        try:
            self.settings = load_settings(settings)
            self.listener = listen(self.settings.HOST, self.settings.PORT)
            root = Path(str(settings.__file__)).resolve().parent
            workspace = Workspace.from_environment()
            self.process = Process(self.settings, workspace, root, self.listener)
        except (SettingsError, OSError) as error:
            sys.exit(f"pie: {error}")
        self._registrar: Registrar | None = None
        self._say_port()

    def load(self, reference: str) -> Any:
        """Import ``module:name`` of the service's own code, after logging is in place.

        Raises:
            SystemExit: it does not exist; the message says what was looked for.
        """
        module_name, _, name = reference.partition(":")
        module = importlib.import_module(module_name)
        try:
            return getattr(module, name)
        except AttributeError:
            sys.exit(f"pie: {module.__file__} has no {name!r}, which bootstrap.py names")

    def run(self, server: Server, meta: ServiceMeta) -> None:
        """Register, serve until SIGTERM or SIGINT, deregister, drain, flush."""
        registrar = self._register(meta)

        def stop() -> None:
            registrar.stop()
            time.sleep(_NOTICE_SECONDS)
            server.stop()

        def on_signal(number: int, _frame: object) -> None:
            logger.info("stopping on %s", signal.Signals(number).name)
            signal.signal(number, signal.SIG_DFL)  # A second one does not wait.
            threading.Thread(target=stop, name="pie-stop", daemon=True).start()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, on_signal)
        try:
            server.serve()
        finally:
            registrar.stop()
            logger.info("stopped")
            self.process.close()

    def _register(self, meta: ServiceMeta) -> Registrar:
        """Make the service known, now or when the platform can be reached."""
        process, who = self.process, self.process.identity
        http = meta.protocol == "http"
        instance = Instance(
            psm=who.psm,
            cluster=who.cluster,
            env=who.env,
            id=who.instance,
            host=process.advertised,
            port=process.port,
            protocol="http" if http else "thrift",
            transport="http" if http else "ttheader",
            pid=os.getpid(),
            version=self.settings.VERSION,
            started=time.time(),
        )
        registrar = Registrar(process.store, instance, meta)
        registrar.start()
        logger.info("Starting %s with port: %d", pie.__version__, process.port)
        return registrar

    def _say_port(self) -> None:
        wanted, got = self.settings.PORT, self.process.port
        if wanted in (0, got):
            logger.info("Using port: %d from settings.py", got)
        else:
            logger.warning("Port %d from settings.py is in use; using port: %d", wanted, got)
