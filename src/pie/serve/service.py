"""A service from start to stop: listen, set up, import, serve, register, drain."""

import faulthandler
import importlib
import logging
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, Protocol

from pie._core import native, reason
from pie.model import is_unix
from pie.observe import Console
from pie.serve.console import OutputRoad
from pie.serve.debug import DebugServer, NoDebugSocket
from pie.serve.debug.commands import Commands
from pie.serve.host.signals import on_stop
from pie.serve.host.uwsgi import uwsgi_host
from pie.serve.listeners import drop_newcomers, listen
from pie.serve.process import Process
from pie.serve.registration.description import instance_of, runtime_facts
from pie.serve.registration.report import FactsReporter
from pie.serve.settings.keys import SettingsError
from pie.serve.settings.loading import Loaded, load_settings
from pie.serve.settings.options import HELP, help_text, read_options
from pie.serve.workspace import Workspace
from pie.state import Registrar, ServiceMeta

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
        module: the service's settings module.
        protocol: it speaks.
    """

    def __init__(self, module: ModuleType, protocol: Literal["http", "thrift"]) -> None:
        self._protocol = protocol
        self.host = uwsgi_host() if protocol == "http" else None
        self._listener: socket.socket | None = None
        try:
            self.loaded = self._load(module)
            self.settings = settings = self.loaded.settings
            root = Path(str(module.__file__)).absolute().parent
            workspace = Workspace.from_environment(start=root)
            if self.host is None:
                self._listener = self._listen()
                port = 0 if self._on_unix else self._listener.getsockname()[1]
            else:
                port = self.host.port(settings.PORT)
            self._console = Console(sys.stdout, everything=settings.DEBUG)
            self.process = Process(self.loaded, workspace, root.resolve(), port, self._console)
        except (SettingsError, OSError) as error:
            sys.exit(f"pie: {error}")
        if str(root) not in sys.path:
            sys.path.insert(0, str(root))  # uWSGI need not start in the service's folder.
        folder = "run" if protocol == "thrift" else "uwsgi"
        self._file = self.process.observer.output_file(folder)
        self._output = OutputRoad(self._file)
        self._debug: DebugServer | None = None
        self._registrar: Registrar | None = None
        self._reporter: FactsReporter | None = None
        for doubt in self.loaded.doubts:
            logger.warning("%s", doubt)
        self._say_port()

    @property
    def listener(self) -> socket.socket:
        """What this process serves on, when it serves itself."""
        assert self._listener is not None
        return self._listener

    @property
    def _on_unix(self) -> bool:
        return is_unix(self.settings.HOST)

    def load(self, reference: str) -> Any:
        """Import ``module:name`` of the service's own code, after logging is in place.

        Raises:
            SystemExit: it does not exist; the message says what was looked for.
        """
        module_name, _, name = reference.partition(":")
        module = importlib.import_module(module_name)
        self.take_back_logging()
        try:
            return getattr(module, name)
        except AttributeError:
            sys.exit(f"pie: {module.__file__} has no {name!r}, which bootstrap.py names")

    def take_back_logging(self) -> None:
        """After code that may have configured logging for itself."""
        keep_echoes = self.settings.STDOUT == "console" and not self.settings.DEBUG
        self.process.observer.take_back(echoes=keep_echoes)

    def run(self, server: Server, meta: ServiceMeta, *, name: str, threads: int) -> None:
        """Register, serve until SIGTERM or SIGINT, deregister, drain, flush."""

        opened = threading.Event()

        def stop(number: signal.Signals) -> None:
            logger.info("stopping on %s", number.name)
            opened.wait()  # What is half started cannot be stopped.
            self._deregister()
            time.sleep(_NOTICE_SECONDS)
            drop_newcomers(self.listener)
            server.stop()

        on_stop(stop)
        try:
            self._open(meta, name, threads, workers=1)
            opened.set()
            server.serve()
        finally:
            self._deregister()
            logger.info("stopped")
            self._close()

    def run_hosted(self, meta: ServiceMeta) -> None:
        """Come up in every worker of the server around us; one of them registers for all."""
        host = self.host
        assert host is not None

        def come_up() -> None:
            self._open(meta, host.server, host.threads, workers=host.workers)
            # Whether the whole service ends or this worker is replaced cannot be told here. Its
            # successor takes the registration over; without one it ends with its lease.
            host.at_exit(self._close)

        host.in_worker(come_up)

    def _listen(self) -> socket.socket:
        if self._on_unix and self._protocol == "http":
            raise SettingsError(
                f"HOST is {self.settings.HOST!r}; an HTTP service listens on a port: write an "
                "address, such as 127.0.0.1"
            )
        return listen(self.settings.HOST, self.settings.PORT)

    def _load(self, module: ModuleType) -> Loaded:
        """The settings in force; answers ``--help``."""
        options = {} if self.host is not None else read_options(sys.argv[1:])
        wants_help = options.pop(HELP, None) is not None
        loaded = load_settings(module, os.environ, options)
        if wants_help:
            sys.stdout.write(help_text(loaded, f"python {sys.argv[0]}"))
            sys.exit(0)
        return loaded

    def _open(self, meta: ServiceMeta, server: str, threads: int, *, workers: int) -> None:
        """All that needs threads: after the last fork, before the first request."""
        speaks = self.host is None or self.host.worker == 1
        if speaks:
            self._say_start()
        _catch_crashes()
        debug = self._open_debug(says=speaks)
        self._open_output(says=speaks)
        if speaks and not self.process.port and not self._on_unix:
            logger.warning(
                "not registered: uWSGI listens on no port; set PORT in settings.py to the one "
                "through which the service is called"
            )
        elif speaks:
            facts = runtime_facts(
                self.process, self.loaded, server=server, threads=threads, workers=workers,
                debug=debug,
            )  # fmt: skip
            instance = instance_of(self.process, self._protocol, debug=debug)
            self._registrar = Registrar(self.process.store, instance, meta, facts)
            self._registrar.start()
            self._reporter = FactsReporter(self._registrar, facts, self.process.observer.recorder)
            self._reporter.start()

    def _close(self) -> None:
        """Leave nothing behind; a registration that still stands is left to a successor."""
        if self._reporter is not None:
            self._reporter.stop()
        if self._registrar is not None:
            self._registrar.stop(deregister=False)
        if self._debug is not None:
            self._debug.close()
        self._output.close()
        self.process.close()

    def _deregister(self) -> None:
        if self._reporter is not None:
            self._reporter.stop()
        if self._registrar is not None:
            self._registrar.stop()

    def _open_debug(self, *, says: bool) -> str:
        """The path of the debug socket; empty when there is none."""
        if not self.settings.DEBUG_SOCKET:
            return ""
        who = self.process.identity
        directory = self.process.workspace.log_root / who.product / "debug"
        debug = DebugServer(directory, who.psm, Commands(self.loaded.facts()))
        try:
            debug.start()
        except NoDebugSocket as error:
            if says:
                logger.info("I can't find a appropriate debug port (%s)", error)
            return ""
        self._debug = debug
        if says:
            logger.info("Debug socket: %s", debug.path)
        return str(debug.path)

    def _open_output(self, *, says: bool) -> None:
        """From here on the console shows no more, unless the settings want it to."""
        if self.settings.DEBUG:
            return
        if self.settings.STDOUT == "road":
            if says:
                logger.info(
                    "stdout and stderr go on in %s (DEBUG = True keeps them here)", self._file.link
                )
            try:
                self._output.take()
            except OSError as error:
                logger.warning("stdout and stderr stay here: %s", error)
        self._console.close()

    def _say_start(self) -> None:
        if self._protocol == "http":
            host = self.settings.HOST
            address = f"[{host}]" if ":" in host else host
            address = f"http://{address}:{self.process.port}/"
            if self.host is None or self.host.speaks_http:
                logger.info(" * Running on %s (Press CTRL+C to quit)", address)
            elif self.process.port:
                logger.info(" * Running behind a proxy, %s: uWSGI speaks no HTTP", address)
        elif self._on_unix:
            logger.info("Starting ... with socket: %s", self.settings.HOST)
        else:
            logger.info("Starting ... with port: %d", self.process.port)
        if native is None:
            logger.info("Pie's C core is not in use, its Python twins are slower: %s", reason)

    def _say_port(self) -> None:
        if self._listener is None or self._on_unix:
            return
        wanted, got = self.settings.PORT, self.process.port
        source = self.loaded.sources["PORT"]
        if wanted not in (0, got):
            logger.warning("Port %d from %s is in use; using port: %d", wanted, source, got)
        elif self._protocol == "thrift":
            logger.info("Using port: %d from %s", got, source if wanted else "the system")


def _catch_crashes() -> None:
    """A crash of C code, or SIGUSR2, writes the stack of every thread to descriptor 2."""
    faulthandler.enable(2)
    faulthandler.register(signal.SIGUSR2, 2, all_threads=True)
