"""Follows everything under a prefix: read it, watch on from there, begin anew when that breaks."""

import logging
import threading
from collections.abc import Sequence
from typing import Protocol

from pie.model import SYSTEM_RANDOM, Random
from pie.state.backoff import Backoff
from pie.state.store.interface import (
    Batch,
    Compacted,
    Entry,
    Event,
    Store,
    StoreAway,
    StoreError,
    Watch,
)

_log = logging.getLogger("pie.state")


class Listener(Protocol):
    """Gets what a follower finds, in the follower's thread, one call at a time."""

    def loaded(self, entries: Sequence[Entry]) -> None:
        """All entries under the prefix; they replace what was known before."""

    def changed(self, events: Sequence[Event]) -> None:
        """The changes since then, in order, each once."""

    def lost(self, error: StoreError) -> None:
        """The store cannot be followed; what is known may be old from now on."""

    def found(self) -> None:
        """The store is followed (again): what is known is what it holds."""


class Follower:
    """The thread of one prefix. It ends with `stop` or with the process."""

    def __init__(
        self, store: Store, prefix: str, listener: Listener, *, random: Random = SYSTEM_RANDOM
    ) -> None:
        self._store = store
        self._prefix = prefix
        self._listener = listener
        self._backoff = Backoff(random=random)
        self._stop = threading.Event()
        self._watch: Watch | None = None
        self._lock = threading.Lock()
        self._following: bool | None = None
        """Whether the last call was ``found`` (True) or ``lost`` (False); None before either."""
        self._revision: int | None = None
        self._thread = threading.Thread(target=self._run, name=f"pie-follow {prefix}", daemon=True)

    def start(self) -> None:
        """Start the thread; once."""
        self._thread.start()

    def stop(self, timeout: float = 1.0) -> None:
        """End the thread, waiting up to ``timeout`` seconds."""
        with self._lock:
            self._stop.set()
            watch = self._watch
        if watch is not None:
            watch.close()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except Compacted:
                self._revision = None
            except StoreError as error:
                self._lose(error)
            except Exception as error:  # The thread lives as long as the process.
                self._revision = None
                if self._following is not False:
                    _log.exception("following %s failed; beginning anew", self._prefix)
                self._lose(StoreError(repr(error)))
            if not self._stop.is_set():
                self._stop.wait(self._backoff.next())

    def _lose(self, error: StoreError) -> None:
        if self._following is False:
            return
        self._following = False
        try:
            self._listener.lost(error)
        except Exception:
            _log.exception("the listener of %s failed", self._prefix)

    def _follow(self) -> None:
        if self._revision is None:
            now = self._store.range(self._prefix)
            self._listener.loaded(now.entries)
            self._revision = now.revision
        with self._store.watch(self._prefix, after=self._revision) as watch:
            with self._lock:
                if self._stop.is_set():
                    return
                self._watch = watch
            if not self._following:
                self._following = True
                self._listener.found()
            for batch in watch:
                self._take(batch)
        if not self._stop.is_set():
            raise StoreAway("the watch ended")

    def _take(self, batch: Batch) -> None:
        self._backoff.reset()
        if batch.events:
            self._listener.changed(batch.events)
        self._revision = batch.revision
