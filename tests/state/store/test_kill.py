"""kill -9 of the state server in mid-traffic: nothing acknowledged is lost, no revision returns."""

import threading
from collections.abc import Sequence

import pytest

from pie.state import Entry, Event, Follower, RemoteStore, Store, StoreAway, StoreError


class Mirror:
    """What a follower was told; notices a change told twice or out of order."""

    def __init__(self) -> None:
        self.state: dict[str, str] = {}
        self.revision = 0
        self.disorder: list[int] = []
        self.loads = 0

    def loaded(self, entries: Sequence[Entry]) -> None:
        self.loads += 1
        self.state = {entry.key: entry.value for entry in entries}
        self.revision = max((entry.mod_revision for entry in entries), default=self.revision)

    def changed(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.revision <= self.revision:
                self.disorder.append(event.revision)
            self.revision = event.revision
            if event.kind == "put":
                self.state[event.key] = event.value
            else:
                self.state.pop(event.key, None)

    def lost(self, error: StoreError) -> None: ...

    def found(self) -> None: ...


def write(store: Store, name: str, stop: threading.Event, acknowledged: dict[str, int]) -> None:
    number = 0
    while not stop.is_set():
        key = f"/k/{name}/{number}"
        try:
            acknowledged[key] = store.put(key, str(number))
        except StoreAway:
            stop.wait(0.01)
        else:
            number += 1


def test_kill_9_loses_nothing_acknowledged(state_process, until):
    state_process.start()
    store = RemoteStore(state_process.url, "t")
    mirror = Mirror()
    follower = Follower(store)
    follower.follow("/k/", mirror)
    stop = threading.Event()
    acknowledged: dict[str, int] = {}
    writers = [
        threading.Thread(target=write, args=(store, str(n), stop, acknowledged)) for n in range(3)
    ]
    for writer in writers:
        writer.start()
    for _ in range(3):
        goal = len(acknowledged) + 60
        until(lambda goal=goal: len(acknowledged) >= goal, "some writes")
        state_process.kill()
        state_process.start()
    goal = len(acknowledged) + 10
    until(lambda: len(acknowledged) >= goal, "writes after the last restart")
    stop.set()
    for writer in writers:
        writer.join()
    kept = {entry.key: entry.mod_revision for entry in store.range("/k/").entries}
    # An unanswered put may have happened, and its repetition then has a later revision.
    assert {key: kept.get(key) for key in acknowledged} == acknowledged
    assert len(set(acknowledged.values())) == len(acknowledged)
    assert store.put("/k/last", "x") > max(kept.values())
    until(lambda: "/k/last" in mirror.state, "the follower to catch up")
    follower.stop()
    assert mirror.state == {entry.key: entry.value for entry in store.range("/k/").entries}
    assert mirror.disorder == []


def test_a_dead_server_is_noticed(state_process):
    state_process.start()
    watch = RemoteStore(state_process.url, "t").watch("/k")
    next(watch)
    state_process.kill()
    with pytest.raises(StoreAway, match="broke"):
        next(watch)
