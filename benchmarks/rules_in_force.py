"""How soon a published rule is in force: many watchers on one platform.

    python benchmarks/rules_in_force.py                     1,000 watchers, 10 publishings
    python benchmarks/rules_in_force.py --watchers 200

A watcher is what a process has: a follower with a thread and a stream of its own, which reads,
checks and puts the rules in force. Times are from before the publishing to after the callback by
which policies renew their gates. Many watchers share a few processes here and the machine of the
platform; in a fleet each has its own, so the figures are upper bounds.
"""

import argparse
import multiprocessing
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from multiprocessing.connection import Connection
from pathlib import Path

from pie.govern import Key
from pie.platform.main import run_platform
from pie.state import Follower, RemoteStore
from pie.state.rules.book import RuleBook
from pie.state.rules.document import WrittenRule
from pie.state.rules.source import StoreRules

KEY = Key("rate", "toutiao.my.server", "server")
RULES = 20
"""Of the set that is published."""


def platform(directory: str, address: Connection) -> None:
    run_platform(Path(directory), port=0, on_ready=lambda url, _: address.send(url))


def watch(url: str, token: str, count: int, number: int, results: Connection) -> None:
    """Be so many watchers; tell of each version that is asked for when they had it in force."""
    seen: defaultdict[int, dict[str, float]] = defaultdict(dict)
    """When, by version and watcher."""
    news = threading.Condition()

    def one(instance: str) -> StoreRules:
        follower = Follower(RemoteStore(url, token, timeout=60))
        rules = StoreRules(KEY.psm, instance, follower, None)

        def changed() -> None:
            now = time.monotonic()
            found = rules.rule_sets().get(KEY)
            with news:
                seen[found.version if found is not None else 0].setdefault(instance, now)
                news.notify_all()

        rules.follow(changed)
        follower.start()
        return rules

    kept = [one(f"10.0.{number}.{n}:1") for n in range(count)]
    while version := results.recv():
        with news:
            news.wait_for(lambda: len(seen[version]) == len(kept))
        results.send(list(seen[version].values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--watchers", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--publishings", type=int, default=10)
    given = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = context.Pipe()
        server = context.Process(target=platform, args=(folder, theirs))
        server.start()
        url = ours.recv()
        try:
            measure(Path(folder), url, given.watchers, given.processes, given.publishings)
        finally:
            server.terminate()
            server.join()


def measure(folder: Path, url: str, watchers: int, processes: int, publishings: int) -> None:
    context = multiprocessing.get_context("spawn")
    tokens = [(folder / f"{name}.token").read_text().strip() for name in ("admin", "service")]
    book = RuleBook(RemoteStore(url, tokens[0], timeout=60))
    publish(book, 0)
    pipes: list[Connection] = []
    for number in range(processes):
        mine, its = context.Pipe()
        arguments = (url, tokens[1], watchers // processes, number, its)
        context.Process(target=watch, args=arguments, daemon=True).start()
        pipes.append(mine)
    began = time.monotonic()
    in_force(pipes, 1)
    print(f"{watchers} watchers follow after {time.monotonic() - began:.1f} s")
    everything: list[float] = []
    for version in range(1, publishings + 1):
        time.sleep(1.0)
        began = time.monotonic()
        publish(book, version)
        published = time.monotonic() - began
        times = [at - began for at in in_force(pipes, version + 1)]
        everything += times
        print(
            f"v{version + 1}: published in {published * 1e3:.0f} ms; in force on "
            f"{len(times)} watchers: median {statistics.median(times) * 1e3:.0f} ms, "
            f"worst {max(times) * 1e3:.0f} ms"
        )
        sys.stdout.flush()
    print(
        f"all: median {statistics.median(everything) * 1e3:.0f} ms, "
        f"worst {max(everything) * 1e3:.0f} ms"
    )
    for each in pipes:
        each.send(0)


def in_force(pipes: list[Connection], version: int) -> list[float]:
    """When each watcher had a version in force; waits for the last one."""
    for each in pipes:
        each.send(version)
    return [at for each in pipes for at in each.recv()]


def publish(book: RuleBook, seen: int) -> None:
    rules = [WrittenRule({"method": f"M{n}"}, {"qps": 100 + n + seen}) for n in range(RULES)]
    book.publish(KEY, rules, seen=seen, by="benchmark", comment="")


if __name__ == "__main__":
    main()
