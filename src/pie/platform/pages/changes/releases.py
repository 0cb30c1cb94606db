"""Notices a version of a service that never ran before, and writes that down as a change.

Every platform follows the registry; of several, the one whose commit is first writes the event: the
record of a service's versions is expected at the revision that was read, so the event comes once.
"""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Callable, Sequence

import msgspec
from starlette.concurrency import run_in_threadpool

from pie.platform.server.deps import Deps, Work
from pie.platform.server.identity.record import PLATFORM
from pie.state import Conflict, Entry, Event, Instance, Store, StoreError, Write
from pie.state.events import ChangeEvent, new_event_id, outbox
from pie.state.registry.instances import PREFIX, read_instance

RELEASES = "/pie/releases/"
_BEGAN = "/pie/releases-began"
_KEPT = 200
"""Versions of one service that are remembered, the newest."""
_KNOWN = 100_000
_POLL_S = 0.5

_log = logging.getLogger("pie.platform")


class Versions(msgspec.Struct):
    """The versions of a service that ran, and when each was seen first (Unix seconds), by age."""

    seen: dict[str, float] = {}


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Versions).decode


class ReleaseWatch(Work):
    """Follows the instances of all services.

    What runs when the first platform of a store begins is taken as known, so that the first
    start beside a running fleet is not a thousand releases.
    """

    def __init__(self, deps: Deps) -> None:
        self._book = ReleaseBook(deps.store)
        self._follower = deps.follower
        self._seen = SeenVersions()

    async def run(self) -> None:
        await run_in_threadpool(self._book.begin)
        self._follower.follow(PREFIX, self._seen)
        while True:
            await asyncio.sleep(_POLL_S)
            for instance in self._seen.take():
                try:
                    await run_in_threadpool(self._book.note, instance)
                except StoreError as error:
                    self._seen.again(instance)
                    _log.warning("a release could not be noted and is tried again: %s", error)
                    break


class SeenVersions:
    """Collects one instance of each version, as a listener of the registry."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: set[tuple[str, str]] = set()
        self._new: list[Instance] = []

    def take(self) -> list[Instance]:
        """An instance of each version that was not taken before."""
        with self._lock:
            new, self._new = self._new, []
        return new

    def again(self, instance: Instance) -> None:
        """It could not be noted."""
        with self._lock:
            self._new.append(instance)

    def loaded(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._see(entry.key, entry.value)

    def changed(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.kind == "put":
                self._see(event.key, event.value)

    def lost(self, error: StoreError) -> None:
        """Goes on when the store is back."""

    def found(self) -> None:
        """Nothing to do."""

    def _see(self, key: str, value: str) -> None:
        if "/instances/" not in key:
            return
        instance = read_instance(key, value)
        if instance is None or not instance.version:
            return
        with self._lock:
            version = (instance.psm, instance.version)
            if len(self._known) >= _KNOWN:  # What is seen again is found in the store.
                self._known.clear()
            if version not in self._known:
                self._known.add(version)
                self._new.append(instance)


class ReleaseBook:
    """Which versions of each service ran; every method may block, and raises ``StoreError``."""

    def __init__(self, store: Store, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now

    def begin(self) -> None:
        """Take what is registered as known, if this store never noted a release."""
        if self._store.get(_BEGAN) is not None:
            return
        for entry in self._store.range(PREFIX).entries:
            instance = read_instance(entry.key, entry.value) if "/instances/" in entry.key else None
            if instance is not None and instance.version:
                self._write(instance, with_event=False)
        self._store.put(_BEGAN, json.dumps(self._now()))

    def note(self, instance: Instance) -> None:
        """Write the event of a version that is new."""
        self._write(instance, with_event=True)

    def _write(self, instance: Instance, *, with_event: bool) -> None:
        key = RELEASES + instance.psm
        while True:
            entry = self._store.get(key)
            versions = _read(entry)
            if instance.version in versions.seen:
                return
            previous = next(reversed(versions.seen), "")
            now = self._now()
            kept = [*versions.seen.items(), (instance.version, now)][-_KEPT:]
            writes = [Write(key, _encode(Versions(dict(kept))).decode())]
            if with_event:
                writes.append(outbox(_event(instance, previous, now)))
            try:
                self._store.commit(writes, expect={key: entry.mod_revision if entry else 0})
            except Conflict:
                continue  # Another platform was faster: see whether it noted this one.
            return


def _event(instance: Instance, previous: str, now: float) -> ChangeEvent:
    return ChangeEvent(
        id=new_event_id(),
        at=now,
        kind="release",
        psm=instance.psm,
        subject=f"release/{instance.version}",
        person=PLATFORM,
        reason=f"its first instance, {instance.address}, registered in cluster {instance.cluster}",
        before=json.dumps({"version": previous}) if previous else "",
        after=json.dumps({"version": instance.version}),
    )


def _read(entry: Entry | None) -> Versions:
    try:
        return _decode(entry.value) if entry is not None else Versions()
    except msgspec.MsgspecError:
        return Versions()
