"""The faults: each is injected, lasts a while, and is taken back."""

import contextlib
import os
import resource
import shutil
import signal
import socket
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.faults.world import LOG_ROAD, World, signal_quietly

Injection = Callable[[World], None]

INJECTIONS: dict[str, Injection] = {}


def injection(function: Injection) -> Injection:
    """Put a fault into the table, under its function's name."""
    INJECTIONS[function.__name__.replace("_", "-")] = function
    return function


def _processes(world: World) -> list[str]:
    return ["platform", "agent", "facts", *world.fleet.services]


def _pid(world: World, name: str) -> int | None:
    return world.fleet.facts_pid if name == "facts" else world.fleet.pid(name)


def _while(world: World, seconds: float) -> None:
    time.sleep(seconds * (0.5 + world.chance.random()))


@injection
def kill(world: World) -> None:
    """kill -9 of one process, which is started again."""
    name = world.chance.choice(_processes(world))
    if name in world.fleet.services:
        # On a full disk a process says that its counts would not outlive it, and tries again.
        pid = world.fleet.pid(name)
        world.fleet.wait(lambda: _counts_outlive(pid), f"{name} has no file of counts")
    with world.disturbed(name, "kill"):
        if name == "facts":
            signal_quietly(world.fleet.facts_pid, signal.SIGKILL)
            return
        world.fleet.kill(name)
        _while(world, 0.5)
        world.fleet.spawn(name)
        if name in world.fleet.services:
            world.fleet.wait(lambda: _is_up(world, name), f"{name} did not come back")


@injection
def stop(world: World) -> None:
    """SIGSTOP of one process, and SIGCONT."""
    name = world.chance.choice(_processes(world))
    pid = _pid(world, name)
    with world.disturbed(name, "stop"):
        signal_quietly(pid, signal.SIGSTOP)
        _while(world, 2.0)
        signal_quietly(pid, signal.SIGCONT)


@injection
def restart(world: World) -> None:
    """SIGTERM of a service, as a deployment does."""
    name = world.chance.choice(world.fleet.services)
    with world.disturbed(name, "restart"):
        world.fleet.stop(name)
        world.fleet.spawn(name)
        world.fleet.wait(lambda: _is_up(world, name), f"{name} did not come back")


@injection
def full_disk(world: World) -> None:
    """The disk of the logs or of the platform has no byte left for a while."""
    folder = world.chance.choice([LOG_ROAD, "platform"])
    ballast = world.fleet.directory / folder / "ballast"
    with world.disturbed(folder, "full-disk"):
        try:
            _fill(ballast)
            _while(world, 2.0)
        finally:
            ballast.unlink(missing_ok=True)


@injection
def no_descriptors(world: World) -> None:
    """A process may open nothing more for a while."""
    name = world.chance.choice(_processes(world))
    pid = _pid(world, name)
    if pid is None:
        return
    with world.disturbed(name, "no-descriptors"), contextlib.suppress(ProcessLookupError, OSError):
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (_open_files(pid), hard))
        _while(world, 2.0)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
    world.fleet.heal()  # A platform that was only starting ends; whoever keeps it starts it again.


@injection
def no_permission(world: World) -> None:
    """A folder that a process writes into is closed to it for a while."""
    folder = world.chance.choice(_folders(world))
    with world.disturbed(str(folder.name), "no-permission"):
        mode = folder.stat().st_mode & 0o777
        folder.chmod(0o000)
        _while(world, 2.0)
        folder.chmod(mode)


@injection
def deleted_log(world: World) -> None:
    """A log file, or its whole folder, is deleted under the service that writes it."""
    logs = world.fleet.directory / LOG_ROAD / "log"
    with world.disturbed(LOG_ROAD, "deleted"):
        folder = logs / world.chance.choice(["python", "uwsgi"])
        files = [file for file in folder.glob("*.log") if not file.is_symlink()]
        if world.chance.random() < 0.5 and files:
            world.chance.choice(sorted(files)).unlink(missing_ok=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
        _while(world, 3.0)


@injection
def damaged_file(world: World) -> None:
    """A snapshot or a status file of ours holds something else."""
    found = [
        *world.fleet.directory.glob(f"{LOG_ROAD}/state/*"),
        *world.fleet.directory.glob(".pie-agent/status.json"),
    ]
    if found:
        with world.disturbed("files", "damaged"), contextlib.suppress(OSError):
            file = world.chance.choice(sorted(found))
            file.write_bytes(world.chance.randbytes(world.chance.randrange(400)))


@injection
def clock_jump(world: World) -> None:
    """The clock of one service jumps by hours, and back."""
    if world.fleet.clock is None:
        return
    with world.disturbed(world.fleet.clock, "clock"):
        world.fleet.set_clock(world.chance.choice([-7200, 7200, -40, 40]))
        _while(world, 2.0)
        world.fleet.set_clock(0)


@injection
def half_open_peers(world: World) -> None:
    """Peers of a service that say a part of a request and then nothing."""
    name = world.chance.choice(world.fleet.services)
    # A platform that was just killed is on its way back.
    world.fleet.wait(lambda: _is_up(world, name), f"the platform does not list {name}")
    addresses = [
        (instance["host"], instance["port"])
        for service in world.fleet.client.services()
        if service["psm"] == name
        for cluster in service["clusters"]
        for instance in cluster["instances"]
        if instance["pid"]
    ]
    # A worker of gunicorn waits for each of them: fewer than its threads.
    with world.disturbed(name, "half-open"), _strangers(addresses, 4, world):
        _while(world, 2.0)


@injection
def strangers(world: World) -> None:
    """Connections to the platform of nobody who has a token."""
    parts = urllib.parse.urlsplit(world.fleet.url)
    address = (parts.hostname or "", parts.port or 0)
    with world.disturbed("platform", "strangers"), _strangers([address], 300, world):
        _while(world, 2.0)


_BEGINNINGS = (b"", b"G", b"GET / HTTP/1.1\r\nHost:", b"\x00\x00\x01\x00\x80\x01", b"\x16\x03\x01")


@contextlib.contextmanager
def _strangers(addresses: list[tuple[str, int]], count: int, world: World) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for number in range(count if addresses else 0):
            with contextlib.suppress(OSError):
                peer = socket.create_connection(addresses[number % len(addresses)], timeout=2)
                stack.enter_context(contextlib.closing(peer))
                peer.sendall(world.chance.choice(_BEGINNINGS))
        yield


def _fill(ballast: Path) -> None:
    """Take every byte that is left."""
    file = os.open(ballast, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        block = b"\0" * (1 << 20)
        while block:
            try:
                os.write(file, block)
            except OSError:
                block = block[: len(block) // 16]
    finally:
        os.close(file)


def _folders(world: World) -> list[Path]:
    logs = world.fleet.directory / LOG_ROAD / "log"
    found = [logs / "python", logs / "facts", world.fleet.directory / ".pie-agent"]
    return [folder for folder in found if folder.is_dir()]


def _open_files(pid: int) -> int:
    return max(int(each.name) for each in Path(f"/proc/{pid}/fd").iterdir()) + 1


def _counts_outlive(pid: int) -> bool:
    """Whether a process counts in a file that others can read; one without calls has none."""
    return ".counts" in Path(f"/proc/{pid}/maps").read_text()


def _is_up(world: World, name: str) -> bool:
    try:
        return world.fleet.is_onboarded(name)
    except OSError:
        return False
