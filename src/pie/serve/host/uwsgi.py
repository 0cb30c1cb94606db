"""A service inside a uWSGI worker: uWSGI owns processes and sockets, Pie the rest."""

import ctypes
import faulthandler
import functools
import importlib
import logging
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable
from typing import Any

from pie.model import after_fork, run_after_fork
from pie.serve.host.alone import http_address
from pie.serve.host.host import Life, ServerFactory
from pie.serve.host.signals import hold_around_forks
from pie.serve.host.stop import CLOSING_SECONDS, leave_in_time, name_cut
from pie.serve.settings.keys import Settings
from pie.serve.settings.loading import Loaded

logger = logging.getLogger(__name__)
_HTTP = ("http-socket", "http11-socket", "http", "https-socket", "https")
_SOCKETS = ("socket", "uwsgi-socket", "shared-socket")
_ENDS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT}
_CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT}
_HANDLED = _ENDS | _CRASHES | {signal.SIGUSR1, signal.SIGTSTP}


class UwsgiHost:
    """The uWSGI that runs this process.

    Args:
        module: the ``uwsgi`` that it puts into its workers.
    """

    name = "uWSGI"
    owns_command_line = True

    def __init__(self, module: Any) -> None:
        self._module = module

    @property
    def speaks(self) -> bool:
        """The master before it forks, and the first worker."""
        return self.worker <= 1

    def open(self, settings: Settings) -> int:
        """uWSGI listens. The service is called at the port that speaks HTTP, else at the settings'
        (a proxy's), else at that of the uWSGI socket; 0 if there is none."""
        spoken, inner = self._ports(_HTTP), self._ports(_SOCKETS)
        own = [settings.PORT] if settings.PORT else []
        return next(iter([*spoken, *own, *inner]), 0)

    def tell_port(self, loaded: Loaded, port: int) -> None:
        """Nothing: uWSGI names its sockets itself."""

    def tell_start(self, settings: Settings, port: int) -> None:
        """Log the address, or that a proxy is needed."""
        address = http_address(settings, port)
        if self._ports(_HTTP):
            logger.info(" * Running on %s (Press CTRL+C to quit)", address)
        elif port:
            logger.info(" * Running behind a proxy, %s: uWSGI speaks no HTTP", address)

    def run(self, life: Life, make_server: ServerFactory) -> None:
        """Come up in every worker; one of them registers for all. Returns at once: uWSGI serves the
        application that ``bootstrap.py`` names."""

        def come_up() -> None:
            hold_around_forks(child_mask=set())
            after_fork(self._leave_to_worker)
            for descriptor in self._module.sockets:
                os.set_inheritable(descriptor, False)  # By programs that requests start.
            life.open(self.server, self.threads, workers=self.workers)
            # A worker that ends does not know whether the service ends or only the worker. A
            # successor takes the registration over; without one it ends with its lease.
            self.at_exit(functools.partial(self._end, life))

        self.in_worker(come_up)

    @property
    def worker(self) -> int:
        """Number of this worker from 1; 0 in the master."""
        return int(self._module.worker_id())

    @property
    def workers(self) -> int:
        """Number of workers."""
        return int(self._module.numproc)

    @property
    def threads(self) -> int:
        """Requests one worker serves at a time."""
        return int(next(iter(self._options(["threads"])), "1"))

    @property
    def server(self) -> str:
        """Name and version."""
        return f"uwsgi {_text(self._module.version)}"

    def in_worker(self, action: Callable[[], None]) -> None:
        """Run ``action`` in every worker: now in a worker (``lazy-apps``), else after the fork."""
        if self.worker:
            action()
            return
        earlier = getattr(self._module, "post_fork_hook", None)

        def hook() -> None:
            run_after_fork()
            if earlier is not None:
                earlier()
            if self.worker:
                action()

        self._module.post_fork_hook = hook

    def at_exit(self, action: Callable[[], None]) -> None:
        """Run ``action`` when this worker ends in order. (``atexit`` is not always run there.)"""
        earlier = getattr(self._module, "atexit", None)
        owner = os.getpid()

        def hook() -> None:
            if os.getpid() != owner:
                return
            # Ctrl-C, say, reaches the worker twice: from the terminal and from the master.
            signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
            action()
            if earlier is not None:
                earlier()

        self._module.atexit = hook

    def _end(self, life: Life) -> None:
        """The worker ends: uWSGI has waited for requests as long as its configuration says."""
        leave_in_time(CLOSING_SECONDS)
        name_cut("uWSGI ends its worker")
        life.close()

    def _leave_to_worker(self) -> None:
        """In a child that a request forked, of which uWSGI knows nothing: its handlers end the
        worker, whose pid they remember, and its sockets must be free when it stops."""
        faulthandler.disable()  # It would go on to uWSGI's handlers.
        for number in _HANDLED:
            before = signal.getsignal(number)
            signal.signal(number, signal.SIG_DFL if before is None else before)
        faulthandler.enable(2)
        for descriptor in self._module.sockets:
            os.close(descriptor)

    def _ports(self, names: Iterable[str]) -> list[int]:
        ends = [each.rpartition(":")[2].partition(",")[0] for each in self._options(names)]
        return [int(each) for each in ends if each.isdecimal() and each != "0"]

    def _options(self, names: Iterable[str]) -> list[str]:
        options = {_text(key): value for key, value in self._module.opt.items()}
        found = []
        for name in names:
            value = options.get(name)
            found += value if isinstance(value, list) else [] if value is None else [value]
        return [_text(each) for each in found]


def uwsgi_host() -> UwsgiHost | None:
    """The uWSGI around this process, if there is one."""
    try:
        module = importlib.import_module("uwsgi")
    except ImportError:
        return None
    if not hasattr(module, "worker_id"):
        return None
    _shield_threads()
    _open_programs()
    _renew_environment()
    return UwsgiHost(module)


def _shield_threads() -> None:
    """Keep signals for uWSGI's own threads.

    Its handlers end the worker on whichever thread the system picks. On one of Python's they wait
    for what that thread holds, until the master loses patience.
    """
    start = threading.Thread.start
    if hasattr(start, "__wrapped__"):
        return

    @functools.wraps(start)
    def shielded(thread: threading.Thread) -> None:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - _CRASHES)
        try:
            start(thread)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    threading.Thread.start = shielded  # type: ignore[method-assign, assignment]


def _open_programs() -> None:
    """Let programs that a request starts get signals: uWSGI's threads keep all of them back, and a
    program inherits that."""
    own = subprocess._fork_exec  # type: ignore[attr-defined]
    if hasattr(own, "__wrapped__"):
        return

    @functools.wraps(own)
    def opened(*arguments: Any) -> Any:
        before = signal.pthread_sigmask(signal.SIG_SETMASK, ())
        try:
            return own(*arguments)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    subprocess._fork_exec = opened  # type: ignore[attr-defined]
    subprocess._USE_POSIX_SPAWN = False  # type: ignore[misc]  # The other way.
    posix: Any = importlib.import_module("_posixsubprocess")  # multiprocessing's.
    posix.fork_exec = opened


def _renew_environment() -> None:
    """Let ``os.environ`` have what ``<env>`` in the configuration says: where uWSGI was installed
    with pip, Python ran before uWSGI read that, and had copied the environment."""
    try:
        entries = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
    except (OSError, ValueError):
        return
    found, at = list[bytes](), 0
    while (entry := entries[at]) is not None:  # The table moves when it is written to.
        found.append(entry)
        at += 1
    for entry in found:
        name, equals, value = entry.partition(b"=")
        if name and equals and os.environb.get(name) != value:
            os.environb[name] = value


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
