"""kill -9 in the middle of publishing: document, version and event are there, or none of them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pie.govern import Key
from pie.state.events import PREFIX as EVENTS
from pie.state.rules.book import RuleBook
from pie.state.rules.document import KEPT_VERSIONS
from pie.state.store.embedded import EmbeddedStore

KEY = Key("rate", "a.b.c", "server")
PUBLISH = """
import sys
from pathlib import Path
from pie.govern import Key
from pie.state.rules.book import RuleBook
from pie.state.rules.document import Rollout, WrittenRule
from pie.state.store.embedded import EmbeddedStore

book = RuleBook(EmbeddedStore(Path(sys.argv[1])))
key = Key("rate", "a.b.c", "server")
while True:
    current = book.get(key)
    seen = current.version if current else 0
    rules = [WrittenRule({"method": f"M{n}"}, {"qps": seen + 1}) for n in range(200)]
    rollout = Rollout(percent=50) if seen % 2 else None
    done = book.publish(key, rules, seen=seen, by="ann", comment="", rollout=rollout)
    print(done.version, flush=True)
"""


def kill_while_publishing(path: Path, after: int) -> int:
    """The last version that was acknowledged."""
    with subprocess.Popen(
        [sys.executable, "-c", PUBLISH, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        lines = [process.stdout.readline() for _ in range(after)]
        os.kill(process.pid, signal.SIGKILL)
        return int((lines + process.stdout.read().splitlines())[-1])


@pytest.mark.slow
def test_a_killed_store_holds_all_of_a_publishing_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    for after in (1, 2, 3, 5, 8, 60):
        acknowledged = kill_while_publishing(path, after)
        store = EmbeddedStore(path)
        book = RuleBook(store)
        document = book.get(KEY)
        assert document is not None and document.version >= acknowledged
        version = document.version
        assert document.rules[0].body == {"qps": version}
        kept = [each.version for each in book.history(KEY)]
        assert kept == list(range(version, max(0, version - KEPT_VERSIONS), -1))
        assert len(store.range(EVENTS).entries) == version
        assert bool(book.rolling()) == (document.rollout is not None)
        store.close()
