"""The agent: composes watch, streams and keeper, and runs them until told to stop."""

import fcntl
import logging
import os
import signal
import socket
import threading
import time
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from zoneinfo import ZoneInfo

import msgspec

from pie.agent.identity import default_host_id
from pie.agent.journal import Journal
from pie.agent.keeper import Keeper
from pie.agent.names import TABLES
from pie.agent.options import AgentError, AgentOptions
from pie.agent.recovery import Recovery
from pie.agent.rows import RowMaker
from pie.agent.send import Sender, Target
from pie.agent.status import (
    AgentStatus,
    Reach,
    TableStatus,
    Tally,
    WarningLog,
    read_status,
    write_status,
)
from pie.agent.stream import Stream
from pie.agent.tail import TailFile
from pie.agent.watch import Watch
from pie.model import Resident
from pie.observe.log.parse import LineParser

_log = logging.getLogger("pie.agent")
_DEFAULT_OPTIONS = AgentOptions()
_ABORT_S = 0.3


def run_agent(
    root: Path,
    url: str,
    token: str | Callable[[], str],
    options: AgentOptions = _DEFAULT_OPTIONS,
) -> None:
    """Ship the log road under ``root`` until SIGTERM or SIGINT. For the main thread only.

    Args:
        root: the log root; files are ``<root>/<product>/log/<folder>/…``.
        url: the platform, ``http://host:port``.
        token: the service token; a callable is asked for each request, so that a new token needs
            no restart.
        options: see ``AgentOptions``.

    Raises:
        AgentError: it cannot start, or another agent already ships this root.
    """
    agent = Agent(root, url, token, options)

    def on_signal(number: int, frame: FrameType | None) -> None:
        agent.stop()

    before = {
        number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        agent.run()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Agent:
    """One agent on one log root. ``run`` blocks; ``stop`` and ``status`` are for any thread."""

    def __init__(
        self,
        root: Path,
        url: str,
        token: str | Callable[[], str],
        options: AgentOptions = _DEFAULT_OPTIONS,
    ) -> None:
        self._root = root.absolute()
        self._target = Target.parse(url)
        self._options = options
        self._token = token if callable(token) else lambda: token
        self._directory = options.directory or self._root / ".pie-agent"
        self._status = AgentStatus(
            pid=os.getpid(),
            root=str(self._root),
            url=url,
            started=time.time(),
            tables={table: TableStatus() for table in TABLES},
        )
        self._tally = Tally(self._status)
        self._reach = Reach(self._status)
        self._warnings = WarningLog()
        self._zone = ZoneInfo(options.zone)
        self._watch: Watch | None = None
        # A plain flag, for the signal handler: setting an Event there can wait for itself.
        self._stopping = False
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Flush once more and return from ``run``. Safe in a signal handler."""
        self._stopping = True

    def status(self) -> AgentStatus:
        """How it is doing now."""
        now = time.time()
        status = msgspec.structs.replace(
            self._status,
            time=now,
            tables={name: msgspec.structs.replace(t) for name, t in self._status.tables.items()},
        )
        files = self._watch.files() if self._watch is not None else []
        behind = [file for file in files if file.unsent]
        status.files = len(files)
        status.bytes_behind = sum(file.unsent for file in behind)
        status.seconds_behind = round(max((now - f.level_at for f in behind), default=0.0), 3)
        return status

    def run(self) -> None:
        """Ship until ``stop``.

        Raises:
            AgentError: it cannot start, or an internal error ended a part of it.
        """
        lock = self._acquire()
        try:
            try:
                journal = Journal(self._directory / "journal")
            except OSError as error:
                raise AgentError(
                    f"cannot write the journal in {self._directory}: {error}. Make the directory "
                    "writable for this user, or name another"
                ) from error
            self._tally.add(journal_damaged=journal.damaged)
            self._status.running = True
            try:
                self._ship(journal)
            finally:
                self._status.running = False
                journal.close()
                self._write_status()
        finally:
            os.close(lock)

    def _ship(self, journal: Journal) -> None:
        streams = self._make_streams(journal)

        def offer(file: TailFile) -> None:
            of_table = streams[file.file.table]
            of_table[zlib.crc32(file.path.encode()) % len(of_table)].offer(file)

        host_id = self._options.host_id or default_host_id()
        watch = self._watch = Watch(
            self._root,
            self._zone,
            host_id,
            self._options,
            journal,
            self._tally,
            self._warnings,
            offer,
        )
        watch.scan(time.time())
        journal.retain(file.path for file in watch.files())
        every_stream = [stream for of_table in streams.values() for stream in of_table]
        parts: list[tuple[str, Callable[[], None]]] = [
            (stream.name, stream.run) for stream in every_stream
        ]
        parts.append(("keeper", partial(self._keep, watch)))
        recovery = Recovery(
            self._root, self._zone, self._options, self._tally, self._warnings, self._stopped
        )
        parts.append(("recovery", recovery.run))
        # A part that fails begins anew, where the last acknowledgement left it.
        threads = [Resident(name, run, _log) for name, run in parts]
        for thread in threads:
            thread.start()
        try:
            self._look_around(watch, threads)
        finally:
            self._stopping = True
            self._stopped.set()
            self._finish(every_stream, threads)

    def _look_around(self, watch: Watch, threads: list[Resident]) -> None:
        """Watch the files until stopped; a last look makes sure of the last lines."""
        scan_at = status_at = 0.0
        while True:
            stopping = self._stopping
            now = time.monotonic()
            try:
                if now >= scan_at or stopping:
                    scan_at = now + self._options.scan_s
                    watch.scan(time.time())
                watch.poll(time.time())
            except OSError as error:
                self._warnings.warn("root", f"cannot read {self._root}: {error}; trying again")
            except Exception as error:
                self._warnings.warn("root", f"looking around failed ({error!r}); trying again")
                _log.debug("looking around failed", exc_info=error)
            if now >= status_at:
                status_at = now + self._options.status_s
                self._write_status()
            if stopping:
                return
            dead = [thread.name for thread in threads if not thread.is_alive()]
            if dead:
                raise AgentError(
                    f"an internal error ended {', '.join(dead)} (see the log); start the agent "
                    "again, nothing is lost"
                )
            time.sleep(self._options.poll_s)

    def _finish(self, streams: list[Stream], threads: list[Resident]) -> None:
        deadline = time.monotonic() + self._options.stop_s
        for stream in streams:
            stream.finish(deadline)
        for thread in threads:
            thread.stop(max(0.0, deadline - time.monotonic()))
        if any(thread.is_alive() for thread in threads):
            for stream in streams:
                stream.abort()
            for thread in threads:
                thread.join(_ABORT_S)

    def _keep(self, watch: Watch) -> None:
        keeper = Keeper(
            self._root, self._zone, self._options, watch, self._tally, lambda: self._stopping
        )
        # Wait first: what an outage left behind is to be sent before the quota looks at it.
        while not self._stopped.wait(self._options.keeper_s):
            try:
                keeper.tidy(time.time())
            except OSError as error:
                self._warnings.warn("keep", f"cannot read {self._root}: {error}; trying again")

    def _make_streams(self, journal: Journal) -> dict[str, list[Stream]]:
        host = self._options.host or address_towards(self._target)
        return {
            table: [
                Stream(
                    f"{table}-{number}",
                    table,
                    options=self._options,
                    make=RowMaker(LineParser(self._zone), host),
                    sender=Sender(self._target, self._token, self._options.timeout_s),
                    journal=journal,
                    tally=self._tally,
                    reach=self._reach,
                    warnings=self._warnings,
                )
                for number in range(self._options.streams)
            ]
            for table in TABLES
        }

    def _acquire(self) -> int:
        """The lock's descriptor: it holds while that is open."""
        if not self._root.is_dir():
            raise AgentError(
                f"the log root {self._root} is no directory: create it, or name the directory "
                "under which the services write <product>/log"
            )
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise AgentError(
                f"cannot use {self._directory} for the agent's journal: {error}. Make it writable "
                "for this user, or name another directory"
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            other = read_status(self._directory)
            who = f" (process {other.pid})" if other is not None else ""
            raise AgentError(
                f"another agent{who} already ships {self._root}: stop that one first, one agent "
                "is enough for all services of a host"
            ) from error
        return lock

    def _write_status(self) -> None:
        try:
            write_status(self._directory, self.status())
        except Exception as error:
            self._warnings.warn("status", f"cannot write the status in {self._directory}: {error}")


def address_towards(target: Target) -> str:
    """This host's address as the platform sees it; the host's name when there is no way there."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            target.host, target.port, type=socket.SOCK_DGRAM
        )[0]
        with socket.socket(family, kind) as probe:
            probe.connect(address)
            return str(probe.getsockname()[0])
    except OSError:
        return socket.gethostname()
