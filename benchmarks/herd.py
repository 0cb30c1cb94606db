"""A thousand services follow a platform that is killed and started again: do they come as a herd?

    python benchmarks/herd.py                      embedded, 1,000 followers, away for 10 s
    python benchmarks/herd.py --away 1 --lost      what the platform knew is lost: all read anew
    python benchmarks/herd.py --state etcd://127.0.0.1:2379

Each follower has its own connection and follows the rules and instances of five services, as a
service does that calls five others. Prints the requests that reached the platform per second and
per 100 ms after its return, the time until every follower followed again, and what each then knew.
"""

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import ClassVar

from pie.state import Follower, RemoteStore, StoreError

PREFIXES = [f"/pie/services/herd.bench.s{number}/" for number in range(5)]


class Counting(RemoteStore):
    """Notes when each request was answered by the platform."""

    times: ClassVar[list[float]] = []

    def _send(self, name, request):
        found = super()._send(name, request)
        self.times.append(time.time())
        return found


class Seen:
    """One prefix of one follower."""

    def __init__(self, counts: Counter) -> None:
        self.counts = counts
        self.following = False
        self.entries = 0

    def loaded(self, entries) -> None:
        self.counts["loads"] += 1
        self.entries = len(entries)

    def changed(self, events) -> None:
        self.entries += sum(event.kind == "put" for event in events)

    def lost(self, _error: StoreError) -> None:
        self.following = False

    def found(self) -> None:
        self.following = True


def follow(url: str, token: str, many: int) -> None:
    """One process of followers: a line of figures for each line that it reads."""
    counts: Counter = Counter()
    seen = []
    for _ in range(many):
        follower = Follower(Counting(url, token))
        for prefix in PREFIXES:
            seen.append(Seen(counts))
            follower.follow(prefix, seen[-1])
    for line in sys.stdin:
        if line == "begin\n":
            Counting.times.clear()
            counts.clear()
        print(
            json.dumps(
                {
                    "following": sum(each.following for each in seen),
                    "entries": min(each.entries for each in seen),
                    "loads": counts["loads"],
                    "times": list(Counting.times) if line == "times\n" else [],
                }
            ),
            flush=True,
        )


class Platform:
    """The real one, on a port of its own."""

    def __init__(self, directory: Path, state: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.directory, self.state = directory, state
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "pie.tool.pie", "platform", "--directory"]
        command += [str(self.directory), "--port", str(self.port), "--state", self.state]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            time.sleep(0.02)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def peak(times: list[float], window: float) -> int:
    """The most requests in one window."""
    times = sorted(times)
    most = first = 0
    for last, now in enumerate(times):
        while times[first] < now - window:
            first += 1
        most = max(most, last - first + 1)
    return most


def measure(platform: Platform, options: argparse.Namespace) -> dict:
    """One outage."""
    platform.start()
    token = (platform.directory / "admin.token").read_text().strip()
    store = RemoteStore(platform.url, token, timeout=60)
    for prefix in PREFIXES:
        for number in range(10):
            store.put(f"{prefix}instances/{number}", "x" * 300)
    each = options.followers // options.processes
    workers = [
        subprocess.Popen(
            [sys.executable, __file__, "--follow", platform.url, token, str(each)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(options.processes)
    ]  # fmt: skip
    wanted = each * options.processes * len(PREFIXES)

    def ask(word: str) -> list[dict]:
        for worker in workers:
            worker.stdin.write(word + "\n")
            worker.stdin.flush()
        return [json.loads(worker.stdout.readline()) for worker in workers]

    def wait(what: str) -> None:
        end = time.monotonic() + 120
        while sum(one["following"] for one in ask("how")) < wanted:
            if time.monotonic() > end:
                raise SystemExit(f"not all follow within 120 s {what}: {ask('how')}")
            time.sleep(0.05)

    try:
        began = time.monotonic()
        wait("at first")
        print(f"all follow at first after {time.monotonic() - began:.1f} s", file=sys.stderr)
        platform.kill()
        if options.lost and options.state == "embedded":
            for file in platform.directory.glob("state.*"):
                file.unlink()
        time.sleep(options.away)
        ask("begin")
        platform.start()
        back = time.time()
        store.put(f"{PREFIXES[0]}instances/new", "x")
        wait("after the outage")
        every = time.time() - back
        times = [one for found in ask("times") for one in found["times"]]
        return {
            "followers": each * options.processes,
            "away_s": options.away,
            "seconds until all follow": round(every, 2),
            "requests": len(times),
            "most in 1 s": peak(times, 1.0),
            "most in 100 ms": peak(times, 0.1),
            "ranges read": sum(one["loads"] for one in ask("how")),
            "fewest entries known": min(one["entries"] for one in ask("how")),
        }
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
        platform.kill()


def main() -> None:
    if sys.argv[1:2] == ["--follow"]:
        threading.stack_size(256 << 10)
        follow(sys.argv[2], sys.argv[3], int(sys.argv[4]))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--followers", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--away", type=float, default=10.0, help="seconds")
    parser.add_argument("--lost", action="store_true", help="the platform forgets everything")
    parser.add_argument("--state", default="embedded")
    options = parser.parse_args()
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    with tempfile.TemporaryDirectory() as home:
        found = measure(Platform(Path(home) / "platform", options.state), options)
    for name, value in found.items():
        print(f"{name:>26}  {value}")


if __name__ == "__main__":
    main()
