"""A store under `power.c`, driven over its standard input: a JSON list a line, an answer each."""

import json
import sys
from pathlib import Path

from pie.state import StoreError, Write
from pie.state.store import embedded
from pie.state.store.recovery import open_store, snapshot_path
from pie.state.store.snapshot import SnapshotThread


class Clock:
    """Stands still until it is told to go on."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return 1_700_000_000.0 + self.now


def main() -> None:
    embedded.MOST_FREE_PAGES = 0  # Each start shrinks the file, however small.
    path, clock = Path(sys.argv[1]) / "state.db", Clock()

    def reopen() -> tuple:
        store = open_store(path, lambda _: None, clock=clock)
        return store, SnapshotThread(store, snapshot_path(path), clock=clock)

    store, snapshots = reopen()
    print("ready", flush=True)
    for line in sys.stdin:
        name, *given = json.loads(line)
        answer: object = None
        try:
            if name == "snapshot":
                snapshots.write()
            elif name == "pass":
                clock.now += given[0]
                answer = store.expire()
            elif name == "reopen":
                store.close()
                store, snapshots = reopen()
            elif name == "put":
                key, value, lease, expect = given
                answer = store.put(key, value, lease=lease, expect=expect)
            elif name == "commit":
                values, absent = given
                writes = [Write(key, value) for key, value in values.items()]
                answer = store.commit(writes, expect=dict.fromkeys(absent, 0))
            else:
                answer = getattr(store, name)(*given)
        except StoreError as error:
            answer = error.kind
        print(json.dumps(answer), flush=True)


main()
