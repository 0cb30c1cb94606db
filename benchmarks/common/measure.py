"""Servers as child processes, and what the generators and clients measure of them."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Any, NamedTuple

from common.machine import pinned

BENCHMARKS = Path(__file__).parents[1]
_START_SECONDS = 30.0
_STOP_SECONDS = 5.0
_TOOL_SECONDS = 300.0


class Broken(Exception):
    """Something of the benchmark did not work; the message says what and shows its output."""


class Load(NamedTuple):
    """What a generator is asked for. Seconds; ``rate`` 0 = as fast as replies come; it ends earlier
    when ``calls`` are answered, unless that is 0."""

    connections: int
    seconds: float
    warm_up: float = 0.3
    idle: int = 0
    rate: float = 0.0
    calls: int = 0


class Measured(NamedTuple):
    """One measurement of a server. Latencies and CPU time in µs, sizes in bytes."""

    calls: int
    qps: float
    cpu: float
    """Of the server's processes, per call."""
    p50: float
    p99: float
    p999: float
    rss: int
    pss: int
    """Like ``rss``, but with a share only of what is in memory once for several processes."""
    errors: int
    first_error: str
    generator_busy: float
    """Share of a core the generator used: near 1 it is what bounds the calls per second."""
    idle_lost: int
    """Idle connections that the server closed."""
    reopened: int
    """Connections that the server closed after a reply, as it said it would."""
    unserved: int
    """Connections that got no reply at all: their waiting is in no latency."""
    kinds: tuple[dict[str, Any], ...]
    """Latencies by method, where methods were mixed."""

    @classmethod
    def of(cls, told: dict[str, Any]) -> "Measured":
        """From a generator's JSON."""
        if not told["calls"]:
            raise Broken(f"no call was answered: {told['first_error'] or 'no reply came'}")
        return cls(
            told["calls"],
            told["qps"],
            told["server_cpu"] / told["calls"] * 1e6,
            told["p50"],
            told["p99"],
            told["p999"],
            told["server_rss"],
            told["server_pss"],
            told["errors"],
            told["first_error"],
            told["generator_cpu"] / told["seconds"],
            told["idle_lost"],
            told["reopened"],
            told["unserved"],
            tuple(told["kinds"]),
        )


class Server:
    """A server process from ``ready`` to its end.

    Args:
        name: for messages.
        command: starts it; it prints ``ready PORT`` and ends on SIGTERM.
        cores: it may use.
        environ: of the process.

    Raises:
        Broken: it does not start.
    """

    def __init__(
        self, name: str, command: Sequence[str], cores: set[int], environ: dict[str, str]
    ) -> None:
        self.name = name
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed when it has stopped
        self._process: subprocess.Popen[str] | None = None
        try:
            with uninterrupted():
                self._process = _start(command, cores, environ, self._errors)
            self.port = self._wait_until_ready(self._process)
        except BaseException:
            self._kill()
            self._errors.close()
            raise

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def processes(self) -> list[int]:
        """The process and all it started."""
        assert self._process is not None
        found = [self._process.pid]
        for each in found:
            for task in _tasks(each):
                with contextlib.suppress(OSError):  # The thread has ended.
                    found += [int(child) for child in (task / "children").read_text().split()]
        return found

    @property
    def rss(self) -> int:
        """Resident bytes of its processes."""
        pages = 0
        for each in self.processes:
            pages += int(Path(f"/proc/{each}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    @property
    def last_words(self) -> str:
        """The last line it wrote to stderr."""
        self._errors.flush()
        return _end_of(os.pread(self._errors.fileno(), 1 << 20, 0).decode(errors="replace"))

    def allow(self, cores: set[int]) -> None:
        """Move it, with all its threads, to other cores."""
        for process in self.processes:
            for task in _tasks(process):
                with contextlib.suppress(OSError):
                    os.sched_setaffinity(int(task.name), cores)

    def stop(self) -> str:
        """End it, at once if need be; returns what it printed."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            out, _ = self._process.communicate(timeout=_STOP_SECONDS)
        except BaseException as error:
            out = self._kill()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
        finally:
            self._errors.close()
        return out

    def _kill(self) -> str:
        if self._process is None:
            return ""
        children = self.processes[1:]
        self._process.kill()
        for each in children:  # They do not all notice that their parent is gone.
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        return self._process.communicate()[0]

    def _wait_until_ready(self, process: subprocess.Popen[str]) -> int:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("ready "):
            self._kill()
            why = self.last_words or line or "it said nothing"
            raise Broken(f"{self.name} did not start: {why}")
        port = int(line.split()[1])
        deadline = time.monotonic() + _START_SECONDS
        while True:  # Some say so before they listen.
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise Broken(f"{self.name} does not accept on port {port}") from None
                time.sleep(0.02)
            else:
                return port


class Tool:
    """A program that prints JSON and ends: a generator, or a side's client or codec.

    Args:
        command: starts it.
        cores: it may use.
        environ: of the process.
    """

    def __init__(self, command: Sequence[str], cores: set[int], environ: dict[str, str]) -> None:
        self._command = " ".join(command)
        self._process: subprocess.Popen[str] | None = None
        try:
            with uninterrupted():
                self._process = _start(command, cores, environ, subprocess.PIPE)
        except BaseException:
            self.stop()
            raise

    def result(self) -> Any:
        """What it printed, once it has ended.

        Raises:
            Broken: it failed, or took much longer than anything here is asked to take.
        """
        assert self._process is not None
        try:
            out, errors = self._process.communicate(timeout=_TOOL_SECONDS)
        except subprocess.TimeoutExpired:
            raise Broken(f"{self._command} did not end") from None
        finally:
            self.stop()
        if self._process.returncode:
            raise Broken(_end_of(errors) or f"{self._command} failed")
        return json.loads(out)

    def stop(self) -> None:
        """End it, whatever it does."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """SIGINT and SIGTERM wait until the end of this: a process that is being started must not be
    lost before anybody can stop it."""
    arrived: list[tuple[int, FrameType | None]] = []
    held = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(each, lambda *what: arrived.append(what)) for each in held]
    try:
        yield
    finally:
        for each, handler in zip(held, before, strict=True):
            signal.signal(each, handler)
    for number, _ in arrived:
        signal.raise_signal(number)


def _start(
    command: Sequence[str], cores: set[int], environ: dict[str, str], errors: IO[str] | int
) -> subprocess.Popen[str]:
    with pinned(cores):
        return subprocess.Popen(
            command, env=environ, stdout=subprocess.PIPE, stderr=errors, text=True
        )


def _tasks(process: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{process}/task").iterdir())
    except FileNotFoundError:  # It has ended.
        return []


def load_arguments(load: Load, server: Server) -> list[str]:
    """The options that every generator knows."""
    arguments = [f"--port={server.port}", f"--connections={load.connections}"]
    arguments += [f"--warm-up={load.warm_up}", f"--seconds={load.seconds}"]
    return arguments + [f"--watch={each}" for each in server.processes]


def more_arguments(load: Load) -> list[str]:
    """The options that the generator in C knows, too."""
    return [f"--idle={load.idle}", f"--rate={load.rate}", f"--calls={load.calls}"]


def _end_of(text: str) -> str:
    """The last line of a traceback says what happened."""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1] if lines else ""


def python_environ(*path: str | Path) -> dict[str, str]:
    """The environment of a side: nothing of ours on its path but what is given and ``common``."""
    environ = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    parts = [str(each) for each in (*path, BENCHMARKS) if str(each)]
    return environ | {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONSAFEPATH": "1",  # The current folder is the user's: its modules are not ours.
        "PYTHONPATH": os.pathsep.join(parts),
    }


def own_path() -> str:
    """PYTHONPATH of this process, for its like in another folder."""
    parts = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return os.pathsep.join(str(Path(each).resolve()) for each in parts if each)
