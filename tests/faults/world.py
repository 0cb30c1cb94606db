"""A real fleet that faults are injected into, and the requests that were sent to it meanwhile."""

import contextlib
import ctypes
import fcntl
import http.client
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples"))

import traffic  # noqa: E402 - found through the path above
from fleet import LEGACY, SERVICES, Fleet  # noqa: E402

LOG_ROAD = "toutiao"
"""The folder of the workspace into which the services write."""
ROAD_BYTES, PLATFORM_BYTES = 768 << 20, 768 << 20
"""Ten minutes of the load write some 250 MB of logs."""
_SLOW = "/articles/106"
"""A request whose callee goes on after its caller has left: its chain is complete much later."""


@dataclass
class Window:
    """Something was wrong with ``who`` from ``since`` to ``until`` (monotonic seconds)."""

    who: str
    what: str
    since: float
    until: float = float("inf")

    def touches(self, since: float, until: float) -> bool:
        """Whether any of that time was inside, or so near that the fault can be seen in it."""
        return self.since - _NEAR < until and since < self.until + _NEAR


_NEAR = 1.0


@dataclass(frozen=True)
class Request:
    """One request of the load. ``status`` is 0 when no answer came."""

    kind: traffic.Kind
    since: float
    until: float
    status: int
    logid: str

    @property
    def is_good(self) -> bool:
        """Whether it went as it does in a fleet without faults."""
        return self.status == self.kind.status


KINDS = [kind for kind in traffic.KINDS.values() if kind.path != _SLOW]


def send(entries: dict[str, str], kind: traffic.Kind) -> Request:
    """Send one request; it may come to nothing."""
    since = time.monotonic()
    try:
        sent = traffic.send(entries, kind)
        status, logid = sent.status, sent.logid or ""
    except (OSError, http.client.HTTPException):
        status, logid = 0, ""
    return Request(kind, since, time.monotonic(), status, logid)


@dataclass
class World:
    """The fleet, its disks, the load, and what was done to it. ``chance`` decides everything."""

    fleet: "FaultFleet"
    chance: random.Random
    windows: list[Window] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    @contextlib.contextmanager
    def disturbed(self, who: str, what: str) -> Iterator[None]:
        """Note that something is wrong with a process or a disk, until the block ends."""
        window = Window(who, what, time.monotonic())
        self.windows.append(window)
        try:
            yield
        finally:
            window.until = time.monotonic()

    def is_disturbed(self, request: Request, *whats: str) -> bool:
        """Whether a fault of one of these sorts, or of any, fell into the time of a request."""
        return any(
            window.touches(request.since, request.until)
            for window in self.windows
            if not whats or window.what in whats
        )

    @contextlib.contextmanager
    def load(self, threads: int, pause: float) -> Iterator[None]:
        """Send requests in the background, as fast as answers come with a pause between them."""
        stop = threading.Event()
        senders = [
            threading.Thread(target=self._send, args=(stop, pause, self.chance.getrandbits(32)))
            for _ in range(threads)
        ]
        for each in senders:
            each.start()
        try:
            yield
        finally:
            stop.set()
            for each in senders:
                each.join()

    def _send(self, stop: threading.Event, pause: float, seed: int) -> None:
        chance = random.Random(seed)
        weights = [kind.weight for kind in KINDS]
        entries = self.fleet.entries
        while not stop.is_set():
            request = send(entries, chance.choices(KINDS, weights)[0])
            self.requests.append(request)
            stop.wait(pause * chance.random())
            if not request.logid:
                stop.wait(0.1)
                # A service that was started again may listen on another port.
                with contextlib.suppress(OSError):
                    entries = entries | self.fleet.entries


class FaultFleet(Fleet):
    """The demo's fleet on two small disks; permissions bind its processes, also as root.

    ``clock`` is the service whose clock can be set, if the machine has a compiler.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True)
        super().__init__(directory, 0)
        self.clock: str | None = None
        self._clock_file = directory.parent / "clock"
        self._library = _build_clock(directory.parent)
        self.set_clock(0)

    def _start(self) -> None:
        for folder, size in ((LOG_ROAD, ROAD_BYTES), ("platform", PLATFORM_BYTES)):
            mount(self.directory / folder, size)
        super()._start()

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        for folder in (LOG_ROAD, "platform"):
            unmount(self.directory / folder)

    def spawn(self, name: str) -> None:
        """As the demo does, without the right to pass by permissions."""
        environment = self.environment
        if self._library and name == "toutiao.article.article":
            self.clock = name
            environment |= {
                "LD_PRELOAD": str(self._library),
                "PIE_TEST_CLOCK": str(self._clock_file),
            }
        with (self.directory / f"{name}.out").open("ab") as out:
            self._processes[name] = subprocess.Popen(
                [*_BOUND, sys.executable, *self._commands[name]],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def set_clock(self, offset: int) -> None:
        """Move the clock of that service to so many seconds from the right time."""
        mode = "r+b" if self._clock_file.exists() else "wb"
        with self._clock_file.open(mode) as file:
            file.write(offset.to_bytes(8, sys.byteorder, signed=True))

    @property
    def facts_pid(self) -> int | None:
        """The one child of the platform's process, if there is one now."""
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{self.pid('platform')}/task").iterdir():
                for child in (task / "children").read_text().split():
                    return int(child)
        return None

    @property
    def services(self) -> list[str]:
        """The PSMs of the fleet that are on Pie."""
        return list(SERVICES)

    def is_running(self, name: str) -> bool:
        """Whether the process has not ended."""
        return self._processes[name].poll() is None

    def restart_dead(self) -> None:
        """Start what ended; the demo's process on the old framework never does."""
        for name in ("platform", "agent", *SERVICES):
            if not self.is_running(name):
                self.spawn(name)
        assert self.is_running(LEGACY)


_CAPABILITIES = "-dac_override,-dac_read_search"
_BOUND = (
    ["setpriv", f"--bounding-set={_CAPABILITIES}", f"--inh-caps={_CAPABILITIES}", "--"]
    if os.geteuid() == 0
    else []
)


def _build_clock(folder: Path) -> Path | None:
    """The library that moves the clock of a process; None without a compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return None
    library = folder / "clock.so"
    source = Path(__file__).with_name("clock.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
    return library


def can_mount(folder: Path) -> bool:
    """Whether this process may make a small disk there."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    try:
        mount(folder, 1 << 20)
    except subprocess.CalledProcessError:
        return False
    unmount(folder)
    return True


_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1


def leave_network() -> None:
    """Give this process a loopback of its own. On that of the machine another fleet with the same
    services may take the port of a killed instance, and get its last calls.

    Raises:
        OSError: the system does not allow it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"no network of its own: {os.strerror(number)}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))


def mount(folder: Path, size: int) -> None:
    """A disk of ``size`` bytes in memory."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = f"size={size},mode=0700"
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
        check=True, capture_output=True,
    )  # fmt: skip


def unmount(folder: Path) -> None:
    """Lazily: a process that ends late may still hold a file."""
    subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)


def signal_quietly(pid: int | None, number: signal.Signals) -> None:
    """Send a signal to a process that may have ended."""
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
