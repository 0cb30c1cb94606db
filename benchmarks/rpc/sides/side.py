"""What every side of the benchmark can do, and its command line. Each side runs in its own
environment, so this file needs the standard library only.

    python -m sides.NAME serve [--threads N] [--variant V]      prints "ready PORT", ends on SIGTERM
    python -m sides.NAME call --port P --method M --seconds S   prints what its client cost
    python -m sides.NAME codec --seconds S                      prints what its codec takes
    python -m sides.NAME about                                  prints what it is
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from workload.data import IDS, TEXT

Thunk = Callable[[], Any]


class Codec(NamedTuple):
    """Encodes a value that is held ready; decodes bytes that are held ready."""

    encode: Thunk
    decode: Thunk


class Side(Protocol):
    """One RPC library. A feature it lacks raises NotImplementedError with the reason."""

    def about(self) -> str:
        """Versions, and whether what makes it fast is there."""

    def serve(self, threads: int, variant: str) -> None:
        """Print ``ready PORT`` and serve until SIGTERM. ``threads`` run handlers."""

    def client(self, port: int, variant: str) -> Mapping[str, Thunk]:
        """For Echo and MGetItems what makes one call, over one connection that is kept."""

    def codec(self) -> Mapping[str, Codec]:
        """For ``request`` and ``response`` of MGetItems."""


def main(side: Side) -> None:
    """Run the command line of a side."""
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["serve", "call", "codec", "about"])
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--variant", default="")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--method", default="Echo")
    parser.add_argument("--seconds", type=float, default=1.0)
    options = parser.parse_args()
    try:
        if options.command == "serve":
            side.serve(options.threads, options.variant)
        elif options.command == "call":
            call = side.client(options.port, options.variant)[options.method]
            print(json.dumps(_cost_of_calls(call, options.method, options.seconds)))
        elif options.command == "codec":
            print(json.dumps(_cost_of_codec(side.codec(), options.seconds)))
        else:
            print(json.dumps(side.about()))
    except NotImplementedError as error:
        sys.exit(str(error))


def _cost_of_calls(call: Thunk, method: str, seconds: float) -> dict[str, float]:
    """CPU time of the whole process, its helper threads included, for one thread's calls."""
    answer = call()
    right = answer == TEXT if method == "Echo" else len(answer.items) == len(IDS)
    if not right:
        raise ValueError(f"a wrong answer to {method}: {answer!r}")
    _repeat(call, seconds / 4)
    cpu, begin = time.process_time(), time.perf_counter()
    calls = _repeat(call, seconds)
    return {
        "calls": calls,
        "cpu": time.process_time() - cpu,
        "seconds": time.perf_counter() - begin,
    }


def _cost_of_codec(codecs: Mapping[str, Codec], seconds: float) -> dict[str, float]:
    """Nanoseconds of each operation, the best of five."""
    found = {}
    for name, codec in codecs.items():
        for operation, run in codec._asdict().items():
            _repeat(run, seconds / 8)
            found[f"{operation} {name}"] = min(_nanoseconds(run, seconds / 8) for _ in range(5))
    return found


def _nanoseconds(run: Thunk, seconds: float) -> float:
    begin = time.perf_counter()
    count = _repeat(run, seconds)
    return (time.perf_counter() - begin) / count * 1e9


def _repeat(run: Thunk, seconds: float) -> int:
    """Run for about so many seconds, looking at the clock once in 64 times; returns how often."""
    end, count, some = time.perf_counter() + seconds, 0, range(64)
    while time.perf_counter() < end:
        for _ in some:
            run()
        count += 64
    return count
