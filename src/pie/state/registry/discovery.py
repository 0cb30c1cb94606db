"""Where the instances of a service are, known here without asking each time."""

import threading
from collections.abc import Callable
from pathlib import Path

from pie.model import PSM, SYSTEM_CLOCK, Clock, after_fork
from pie.state.registry.instances import Instance, instances_prefix
from pie.state.registry.nearest import describe_absent
from pie.state.registry.snapshot import SnapshotDir
from pie.state.registry.standing import Standing, doubt, explain
from pie.state.registry.view import View
from pie.state.store.follow import Follower
from pie.state.store.interface import Store, StoreAway

FIRST_WAIT_S = 1.0
MAX_SERVICES = 10_000


class Directory:
    """The services this process looked for, kept up to date over the stream of a `Follower`.

    Nothing starts before the first look; a forked child starts anew at its first look.

    Args:
        store: where services register.
        snapshot_dir: where the last known lists are kept; None keeps none.
        first_wait: seconds the first look for a service waits at most.
        clock: dates in `Standing`.
        follower: that the process shares with others; without one, the directory has its own.
    """

    def __init__(
        self,
        store: Store,
        snapshot_dir: Path | None,
        *,
        first_wait: float = FIRST_WAIT_S,
        clock: Clock = SYSTEM_CLOCK,
        follower: Follower | None = None,
    ) -> None:
        self._store = store
        self._owns_follower = follower is None
        self._follower = follower or Follower(store)
        self._snapshots = SnapshotDir(snapshot_dir)
        self._first_wait = first_wait
        self._clock = clock
        self._begin()
        after_fork(self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._views: dict[str, View] = {}
        self._closed = False

    def instances(self, psm: str) -> tuple[Instance, ...]:
        """The live instances of all clusters, as far as is known; may be empty.

        The same tuple object until something changes. The first look for a service waits until
        the store has answered or failed, at most ``first_wait`` seconds; later ones never wait.
        An empty list or a store that is away never takes the last non-empty list away: a
        registry that lost its memory must not stop a fleet, and a dead address fails at once.

        Raises:
            ValueError: the text is not a PSM, or this is the 10,001st service looked for.
        """
        view = self._views.get(psm)
        return view.instances if view is not None and view.ready else self._first(psm).instances

    def view(self, psm: str) -> View:
        """What ``instances`` reads, for callers that ask often. Waits and raises like it."""
        return self._first(psm)

    def watch(self, psm: str, changed: Callable[[tuple[Instance, ...]], None]) -> None:
        """Call ``changed`` with the instances now, and whenever they are others, on any thread.

        Does not wait: at first there may be none. In a forked child nothing is watched.

        Raises:
            ValueError: as `instances` does.
        """
        with self._lock:
            view = self._views.get(psm)
            if view is None:
                view = self._open(psm)
        view.watch(changed)

    def clusters(self, psm: str) -> dict[str, tuple[Instance, ...]]:
        """The instances by cluster name. Waits and raises like `instances`."""
        found: dict[str, list[Instance]] = {}
        for instance in self.instances(psm):
            found.setdefault(instance.cluster, []).append(instance)
        return {name: tuple(found[name]) for name in sorted(found)}

    def standing(self, psm: str) -> Standing:
        """The known instances, their source and their age. Waits and raises like `instances`."""
        return self._first(psm).standing()

    def explain(self, psm: str, cluster: str = "") -> str:
        """Why a call found no instance, which clusters exist, what to do: for error messages."""
        return explain(self.standing(psm), cluster, self._clock.wall())

    def doubt(self, psm: str) -> str:
        """Why the known instances of a service may be out of date; empty when they are not."""
        return doubt(self.standing(psm), self._clock.wall())

    def close(self) -> None:
        """Stop following; the known instances stay readable."""
        with self._lock:
            self._closed = True
            followed = list(self._views)
        if self._owns_follower:
            self._follower.stop()
        else:
            for psm in followed:
                self._follower.forget(instances_prefix(psm))

    def _first(self, psm: str) -> View:
        """The service's view, ready: the only method that waits."""
        with self._lock:
            view = self._views.get(psm)
            if view is None:
                view = self._open(psm)
        view.wait_ready(self._first_wait)
        return view

    def _open(self, psm: str) -> View:
        PSM.parse(psm)
        if len(self._views) >= MAX_SERVICES:
            raise ValueError(f"{psm} would be service {MAX_SERVICES + 1} that this process follows")
        view = View(psm, self._snapshots, self._clock, lambda: describe_absent(self._store, psm))
        if self._closed:
            view.lost(StoreAway("this directory was closed"))
        else:
            try:
                self._follower.follow(instances_prefix(psm), view)
            except RuntimeError as error:  # No thread: the next look tries again.
                view.lost(StoreAway(f"the registry cannot be followed: {error}"))
                return view
        self._views[psm] = view
        return view
