"""One service as seen from here: the list in use, where it comes from, how fresh it is."""

import threading
from collections.abc import Callable, Sequence

from pie.model import Clock
from pie.state.registry.instances import Instance, read_instance
from pie.state.registry.snapshot import SnapshotDir
from pie.state.registry.standing import Source, Standing
from pie.state.store.interface import Entry, Event, StoreError


class View:
    """The listener of a service's `Follower`. ``instances`` is replaced as a whole, never changed.

    ``describe_absent`` gives, in the follower's thread, the sentence for a name that has no
    instances and never had any here.
    """

    def __init__(
        self,
        psm: str,
        snapshots: SnapshotDir,
        clock: Clock,
        describe_absent: Callable[[], str] = str,
    ) -> None:
        self.instances: tuple[Instance, ...] = ()
        self.ready = False
        self._psm = psm
        self._snapshots = snapshots
        self._clock = clock
        self._describe_absent = describe_absent
        self._absent = ""
        self._known = threading.Event()
        self._lock = threading.Lock()
        self._registered: dict[str, Instance] = {}
        self._watchers: list[Callable[[tuple[Instance, ...]], None]] = []
        self._source: Source = "none"
        self._since = 0.0
        self._empty_since = 0.0
        self._away_since = 0.0
        self._reason = "the store has not answered yet"

    def watch(self, changed: Callable[[tuple[Instance, ...]], None]) -> None:
        """Call ``changed`` with the instances now, and whenever they are others, on any thread."""
        with self._lock:
            self._watchers.append(changed)
            instances = self.instances
        changed(instances)

    def wait_ready(self, timeout: float) -> None:
        """Wait at most ``timeout`` seconds for the store's first answer; then use the snapshot."""
        if not self.ready:
            self._known.wait(timeout)
            with self._lock:
                self._use_snapshot()

    def standing(self) -> Standing:
        """A consistent copy of everything that is known."""
        with self._lock:
            following = self._source == "store" and not (self._empty_since or self._away_since)
            return Standing(
                psm=self._psm,
                instances=self.instances,
                source=self._source,
                since=self._clock.wall() if following else self._since,
                empty_since=self._empty_since,
                away_since=self._away_since,
                reason=self._reason,
                absent=self._absent,
            )

    def loaded(self, entries: Sequence[Entry]) -> None:
        self._registered = {}
        for entry in entries:
            self._register(entry.key, entry.value)
        if not self._registered and not self.instances:
            self._absent = self._describe_absent()
        self._apply()

    def changed(self, events: Sequence[Event]) -> None:
        for event in events:
            self._registered.pop(event.key, None)
            if event.kind == "put":
                self._register(event.key, event.value)
        self._apply()

    def lost(self, error: StoreError) -> None:
        with self._lock:
            self._away_since = self._clock.wall()
            self._reason = str(error)
            if self._source == "store" and not self._empty_since:
                self._since = self._away_since
            self._use_snapshot()

    def found(self) -> None:
        with self._lock:
            self._away_since = 0.0
            self._reason = ""

    def _register(self, key: str, value: str) -> None:
        instance = read_instance(key, value)
        if instance is not None and instance.psm == self._psm:
            self._registered[key] = instance

    def _apply(self) -> None:
        """Use the registered list, unless it is empty and an earlier one was not."""
        instances = tuple(self._registered[key] for key in sorted(self._registered))
        with self._lock:
            now = self._clock.wall()
            changed = instances != self.instances
            if instances:
                self._source, self._since, self._empty_since = "store", now, 0.0
                if changed:
                    self.instances = instances
            elif not self._empty_since:
                self._since = self._since or now
                self._empty_since = now
            self._away_since, self._reason = 0.0, ""
            self._use_snapshot()
        if instances and changed:
            for watcher in self._watchers:
                watcher(instances)
            self._snapshots.save(self._psm, instances, now)

    def _use_snapshot(self) -> None:
        """The first look is over: without a list from the store, use the one on disk."""
        if not self.ready and not self.instances:
            snapshot = self._snapshots.load(self._psm)
            if snapshot is not None and snapshot.instances:
                self.instances = snapshot.instances
                self._source, self._since = "snapshot", snapshot.saved
                for watcher in self._watchers:
                    watcher(self.instances)
        self.ready = True
        self._known.set()
