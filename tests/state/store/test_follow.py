"""The loop of range, watch and resync tells each change once, whatever breaks."""

import threading
from collections.abc import Sequence

from pie.state import Entry, Event, Follower, MemoryStore, Store, StoreAway, StoreError


class Told:
    def __init__(self) -> None:
        self.log: list[str] = []

    def loaded(self, entries: Sequence[Entry]) -> None:
        self.log.append("loaded " + " ".join(entry.value for entry in entries))

    def changed(self, events: Sequence[Event]) -> None:
        self.log += [event.value or event.kind for event in events]

    def lost(self, error: StoreError) -> None:
        self.log.append("lost")

    def found(self) -> None:
        self.log.append("found")


class Flaky(Store):
    """A store over another whose connections can be cut and refused."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._watches = []
        self.down = False

    def _check(self) -> None:
        if self.down:
            raise StoreAway("down")

    def cut(self) -> None:
        for watch in self._watches:
            watch.close()

    def range(self, prefix):
        self._check()
        return self._store.range(prefix)

    def ranges(self, prefixes):
        self._check()
        return self._store.ranges(prefixes)

    def stream(self, prefixes):
        self._check()
        watch = self._store.stream(prefixes)
        self._watches.append(watch)
        return watch

    get = put = delete = commit = watch = None  # type: ignore[assignment]
    grant = keep_alive = revoke = close = None  # type: ignore[assignment]


def test_each_change_is_reported_once_over_cut_watches(until):
    engine = MemoryStore()
    flaky = Flaky(engine)
    told = Told()
    follower = Follower(flaky)
    engine.put("/k", "first")
    follower.follow("/k", told)
    until(lambda: "found" in told.log, "the first load")
    stop = threading.Event()

    def cut() -> None:
        while not stop.wait(0.02):
            flaky.cut()

    cutter = threading.Thread(target=cut)
    cutter.start()
    wanted = [str(number) for number in range(300)]
    for value in wanted:
        engine.put("/k", value)
        stop.wait(0.001)
    stop.set()
    cutter.join()
    until(lambda: told.log[-1] == "299", "the last change")
    follower.stop()
    changes = [line for line in told.log if line not in ("lost", "found")]
    assert changes == ["loaded first", *wanted]
    engine.close()


def test_compacted_history_means_a_new_load(until):
    engine = MemoryStore(max_events=8)
    flaky = Flaky(engine)
    told = Told()
    follower = Follower(flaky)
    follower.follow("/k", told)
    until(lambda: "found" in told.log, "the first load")
    flaky.down = True
    flaky.cut()
    until(lambda: told.log[-1] == "lost", "the loss")
    for number in range(50):
        engine.put("/k", str(number))
    flaky.down = False
    until(lambda: told.log[-1] == "found", "the return")
    assert told.log == ["loaded ", "found", "lost", "loaded 49", "found"]
    engine.put("/k", "next")
    until(lambda: told.log[-1] == "next", "what comes after")
    follower.stop()
    engine.close()


def test_a_store_away_from_the_start_is_reported_once(until):
    engine = MemoryStore()
    flaky = Flaky(engine)
    flaky.down = True
    told = Told()
    follower = Follower(flaky)
    follower.follow("/k", told)
    until(lambda: told.log, "the first failure")
    flaky.down = False
    until(lambda: told.log[-1] == "found", "the load")
    assert told.log == ["lost", "loaded ", "found"]
    follower.stop()
    engine.close()


def test_stopping_is_quick_wherever_it_is():
    for down in (True, False):
        flaky = Flaky(MemoryStore())
        flaky.down = down
        follower = Follower(flaky)
        follower.follow("/k", Told())
        follower.stop(timeout=20)
        assert not follower.alive


def test_a_listener_that_fails_gets_everything_anew(until, caplog):
    class Failing(Told):
        def changed(self, events: Sequence[Event]) -> None:
            if events[0].value == "wrong":
                raise RuntimeError("a mistake in here")
            super().changed(events)

    engine = MemoryStore()
    told = Failing()
    follower = Follower(engine)
    follower.follow("/k", told)
    until(lambda: "found" in told.log, "the first load")
    engine.put("/k", "wrong")
    until(lambda: told.log[-1] == "found" and "lost" in told.log, "the return")
    assert told.log == ["loaded ", "found", "lost", "loaded wrong", "found"]
    follower.stop()
    engine.close()
    assert [r.message for r in caplog.records] == ["following /k failed; beginning anew"]
