"""The machine: its cores, who runs on which, and a line that says what it is."""

import os
import platform
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple


class Cores(NamedTuple):
    """Sets of cores, by who runs there."""

    server: set[int]
    generator: set[int]
    both: set[int]
    """Two cores for a server; one of them is the generator's on a machine with no third."""
    note: str


def choose_cores() -> Cores:
    """From the cores this process may use, the first for servers and the last for the generator."""
    allowed = sorted(os.sched_getaffinity(0))
    first, last = allowed[0], allowed[-1]
    if len(allowed) == 1:
        note = f"everything shares core {first}: QPS and latency hold the generator's time, too"
    elif len(allowed) == 2:
        note = f"servers on core {first}, generator on core {last}; two-core servers share it"
    else:
        note = f"servers on core {first}, generator on core {last}"
    return Cores({first}, {last}, {first, allowed[min(1, len(allowed) - 1)]}, note)


@contextmanager
def pinned(cores: set[int]) -> Iterator[None]:
    """Processes started inside stay on these cores, with all their threads."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def raise_file_limit() -> int:
    """As many descriptors as may be had, for this process and what it starts; returns how many."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def describe() -> str:
    """Processor, system, Python."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return (
        f"{len(models) or os.cpu_count()} cores of {models[0] if models else platform.machine()}, "
        f"Linux {platform.release()}, {platform.python_implementation()} "
        f"{platform.python_version()}"
    )


def share_in_use(seconds: float = 0.5) -> float:
    """The share of this machine that is in use while this process only waits."""
    before = _times()
    time.sleep(seconds)
    idle, total = (after - then for after, then in zip(_times(), before, strict=True))
    return 1 - idle / total if total else 0.0


def _times() -> tuple[int, int]:
    """Idle ticks, all ticks."""
    line = Path("/proc/stat").read_text().partition("\n")[0]
    ticks = [int(each) for each in line.split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)
