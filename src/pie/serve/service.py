"""A service from start to stop: listen, set up, import, register, close. Its host runs it."""

import faulthandler
import functools
import logging
import signal
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, Literal, TypeVar

from pie._core import native, reason
from pie.model import is_unix
from pie.observe import Console, report_left_out
from pie.serve.console import OutputRoad
from pie.serve.debug import DebugServer, NoDebugSocket
from pie.serve.debug.commands import Commands
from pie.serve.extras import require
from pie.serve.failure import end_with
from pie.serve.host.choice import find_host
from pie.serve.host.host import ServerFactory
from pie.serve.host.http import needs_gunicorn
from pie.serve.launch import Launch, make_plan
from pie.serve.process import Process
from pie.serve.reference import (
    BadReference,
    Reference,
    application_in,
    import_module,
    parse_reference,
    value_in,
)
from pie.serve.registration.description import describe_process, instance_of
from pie.serve.registration.report import DescriptionReporter
from pie.serve.settings.keys import SettingsError
from pie.serve.streams import hold_descriptors, shield_streams
from pie.state import Registrar, ServiceMeta

logger = logging.getLogger(__name__)
T = TypeVar("T")


class Service:
    """The one service of this process.

    Args:
        launch: what was started.
        protocol: it speaks.
        extra: of the distribution, that its framework needs.
    """

    def __init__(
        self, launch: Launch, protocol: Literal["http", "thrift"], extra: str = ""
    ) -> None:
        self._protocol = protocol
        hold_descriptors()
        outputs = shield_streams()
        self.host = host = find_host(protocol)
        if host.owns_command_line:
            launch = launch._replace(arguments=())
        try:
            plan = make_plan(launch)
            if plan.help:
                sys.stdout.write(plan.help)
                sys.exit(0)
            self.loaded, self.settings = plan.loaded, plan.loaded.settings
            if extra:
                alone = not host.owns_command_line
                require(extra, with_server=alone and needs_gunicorn(self.settings))
            self.folder = plan.folder
            port = host.open(self.settings)
            self._console = Console(sys.stdout, everything=self.settings.DEBUG)
            self.process = Process(
                self.loaded, plan.workspace, plan.folder.resolve(), port, self._console
            )
        except (SettingsError, OSError) as error:
            sys.exit(f"pie: {error}")
        if str(plan.folder) not in sys.path:
            sys.path.insert(0, str(plan.folder))  # uWSGI need not start in the service's folder.
        self._file = self.process.observer.output_file("run" if protocol == "thrift" else "uwsgi")
        self._output = OutputRoad(self._file, outputs, self.process.observer.losses)
        self._meta: ServiceMeta | None = None
        self._debug: DebugServer | None = None
        self._registrar: Registrar | None = None
        self._reporter: DescriptionReporter | None = None
        self.leaves = False
        """Whether it has begun to stop."""
        for doubt in self.loaded.doubts:
            logger.warning("%s", doubt)
        host.tell_port(self.loaded, port)

    def load(self, text: str) -> Any:
        """Import what ``module:name`` or ``module:factory('argument')`` names.

        Raises:
            SystemExit: it does not exist; the message says what was looked for.
        """
        return self._load(text, value_in)

    def load_application(self, text: str, kind: str, is_one: Callable[[Any], bool]) -> Any:
        """Import an application of a framework; a factory may be named without arguments.

        Raises:
            SystemExit: it does not exist, or is no such application.
        """
        return self._load(text, functools.partial(application_in, kind=kind, is_one=is_one))

    def loading(self, what: str, load: Callable[[], T]) -> T:
        """Run a part of the user's code that belongs to the start.

        Args:
            what: it loads, for the message.
            load: returns the result; may raise `BadReference` with a message.

        Raises:
            SystemExit: it failed; the terminal says why. Inside uWSGI its own error goes on.
        """
        try:
            return load()
        except BadReference as error:
            sys.exit(f"pie: {error}")
        except (Exception, SystemExit) as error:
            if self.host.owns_command_line:
                raise  # uWSGI shows the error, and decides what becomes of its worker.
            self.take_back_logging()
            end_with(what, error)
        finally:
            self.take_back_logging()

    def _load(self, text: str, find: Callable[[ModuleType, Reference], Any]) -> Any:
        def load() -> Any:
            reference = parse_reference(text)
            return find(import_module(reference), reference)

        return self.loading(text, load)

    def take_back_logging(self) -> None:
        """After code that may have configured logging for itself."""
        keep_echoes = self.settings.STDOUT == "console" and not self.settings.DEBUG
        self.process.observer.take_back(echoes=keep_echoes)

    def say(self, line: str) -> None:
        """Print a plain line on the console; of several workers one does."""
        if self.host.speaks:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()

    def run(self, meta: ServiceMeta, make_server: ServerFactory) -> None:
        """Hand the service to its host, which opens and closes it."""
        self._meta = meta
        self.host.run(self, make_server)

    def open(self, server: str, threads: int, *, workers: int) -> None:
        """Start what needs threads: after the last fork, before the first request."""
        self.process.observer.recorder.prepare()
        speaks = self.host.speaks
        if speaks:
            self.host.tell_start(self.settings, self.process.port)
            if native is None:
                logger.info("Pie's C core is not in use, its Python twins are slower: %s", reason)
        _catch_crashes()
        debug = self._open_debug(says=speaks)
        self.process.follow_rules()
        self._open_output(says=speaks)
        if speaks and not self.process.port and not is_unix(self.settings.HOST):
            logger.warning(
                "not registered: %s listens on no port; set PORT in settings.py to the one "
                "through which the service is called",
                self.host.name,
            )
        elif speaks:
            description = describe_process(
                self.process, self.loaded, server=server, threads=threads, workers=workers,
                debug=debug,
            )  # fmt: skip
            instance = instance_of(self.process, self._protocol, debug=debug)
            self._registrar = Registrar(self.process.store, instance, self._meta, description)
            self._registrar.start()
            self._reporter = DescriptionReporter(
                self._registrar, description, self.process.observer.recorder
            )
            self._reporter.start()

    def close(self) -> None:
        """Leave nothing behind; a registration that still stands is left to a successor."""
        if self._reporter is not None:
            self._reporter.stop()
        if self._registrar is not None:
            self._registrar.stop(deregister=False)
        if self._debug is not None:
            self._debug.close()
        self._output.close()
        report_left_out()
        self.process.close()

    def deregister(self) -> bool:
        """Tell the registry that this instance ends; True when it was registered until now."""
        self.leaves = True
        if self._reporter is not None:
            self._reporter.stop()
        if self._registrar is None:
            return False
        stood = self._registrar.state == "registered"
        self._registrar.stop()
        return stood

    def _open_debug(self, *, says: bool) -> str:
        """The path of the debug socket; empty when there is none."""
        if not self.settings.DEBUG_SOCKET:
            return ""
        who = self.process.identity
        directory = self.process.workspace.log_root / who.product / "debug"
        debug = DebugServer(directory, who.psm, Commands(self.loaded.described()))
        try:
            debug.start()
        except NoDebugSocket as error:
            if says:
                logger.info(
                    "I can't find a appropriate debug port (%s): `pie debug` cannot ask this "
                    "process; let its user write there, or set DEBUG_SOCKET = False",
                    error,
                )
            return ""
        self._debug = debug
        if says:
            logger.info("Debug socket: %s", debug.path)
        return str(debug.path)

    def _open_output(self, *, says: bool) -> None:
        """Move stdout and stderr to files, and end the console, unless the settings keep them."""
        if self.settings.DEBUG:
            return
        if self.settings.STDOUT == "road":
            try:
                self._output.check()
                if says:
                    logger.info(
                        "stdout and stderr go on in %s (DEBUG = True keeps them here)",
                        self._file.link,
                    )
                self._output.take()
            except OSError as error:
                logger.warning("stdout and stderr stay here: %s", error)
        self._console.close()


def _catch_crashes() -> None:
    """A crash of C code, or SIGUSR2, writes the stack of every thread to descriptor 2."""
    faulthandler.enable(2)
    faulthandler.register(signal.SIGUSR2, 2, all_threads=True)
