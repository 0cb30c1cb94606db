"""Follows prefixes: reads each, streams on from there, begins anew when that breaks."""

import logging
import threading
from collections.abc import Sequence
from typing import Protocol

from pie.model import SYSTEM_CLOCK, SYSTEM_RANDOM, Backoff, Clock, Random, Resident, after_fork
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
from pie.state.store.prefixes import Prefixes

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


class _Followed:
    """One prefix: how far it is known, and what its listener was told last."""

    def __init__(self, listener: Listener, backoff: Backoff) -> None:
        self.listener = listener
        self.backoff = backoff
        self.revision: int | None = None
        """None until its range was read, and when that must be done again."""
        self.retry_at = 0.0
        """Monotonic: when to read the range again after a trouble of this prefix alone."""
        self.following: bool | None = None
        """Whether the listener's last call was ``found`` (True) or ``lost`` (False)."""


class Follower:
    """All that one process follows in one store: one thread, and one stream for all prefixes.

    A prefix that is added ends the stream, which begins again from the revisions known by then: so
    nothing is missed, and the store need not remember who follows what. The trouble of one prefix
    or its listener is no trouble of the others. A forked child follows nothing until it begins
    itself; it then follows what is *lasting* as well.
    """

    def __init__(
        self, store: Store, *, random: Random = SYSTEM_RANDOM, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._store = store
        self._random = random
        self._clock = clock
        self._lasting: dict[str, Listener] = {}
        self._begin()
        after_fork(self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._followed: dict[str, _Followed] = {}
        self._watch: Watch | None = None
        self._closed = False
        self._renew = False
        """Whether the set of prefixes changed, so that the stream has to be opened anew."""
        self._thread = Resident(
            "pie-follow",
            self._step,
            _log,
            backoff=Backoff(random=self._random),
            trouble=self._trouble,
        )

    def follow(self, prefix: str, listener: Listener, *, lasting: bool = False) -> None:
        """Begin to tell a listener of a prefix, in place of an earlier one; returns at once.

        Args:
            prefix: of keys.
            listener: told in the follower's thread.
            lasting: also in forked children; and starts no thread, so that it may be called before
                a fork: it is followed since another prefix is, or since `start`.

        Raises:
            RuntimeError: the follower was stopped, or the system refuses a thread.
        """
        with self._lock:
            if lasting:
                self._lasting[prefix] = listener
            if not lasting or self._thread.ident is not None:
                self._run()
                self._followed[prefix] = self._new(listener)
            elif self._closed:
                raise RuntimeError("this follower was stopped")
        self._interrupt()

    def start(self) -> None:
        """Begin to follow what is lasting; call it after the last fork. Raises like `follow`."""
        with self._lock:
            self._run()
        self._interrupt()

    def _run(self) -> None:
        """With the lock: have the thread run. What is lasting comes first, so that who waits for
        another prefix to be read finds it read, too."""
        if self._closed:
            raise RuntimeError("this follower was stopped")
        if self._thread.ident is None:
            self._thread.start()
            for prefix, listener in self._lasting.items():
                self._followed[prefix] = self._new(listener)

    def _new(self, listener: Listener) -> _Followed:
        return _Followed(listener, Backoff(random=self._random))

    def forget(self, prefix: str) -> None:
        """Tell a prefix's listener no more; a call that has begun may still end."""
        with self._lock:
            self._lasting.pop(prefix, None)
            if self._followed.pop(prefix, None) is None:
                return
        self._interrupt()

    def stop(self, timeout: float = 1.0) -> None:
        """End the thread, waiting up to ``timeout`` seconds."""
        with self._lock:
            self._closed = True
        self._thread.stop()
        self._interrupt()
        self._thread.stop(timeout)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def _interrupt(self) -> None:
        with self._lock:
            self._renew = True
            watch = self._watch
        self._thread.wake()
        if watch is not None:
            watch.close()

    # -- in the thread ------------------------------------------------------------------------

    def _step(self) -> float | None:
        """Read what is not known yet, then stream until that breaks or the prefixes change."""
        with self._lock:
            self._renew = False
            followed = dict(self._followed)
        self._load(followed)
        known = {prefix: each.revision for prefix, each in followed.items()}
        wanted = {prefix: after for prefix, after in known.items() if after is not None}
        if self._renew or not wanted:
            return 0.0 if self._renew else self._until_retry(followed)
        with self._store.stream(wanted) as watch:
            with self._lock:
                if self._renew:
                    return 0.0
                self._watch = watch
            try:
                self._read(watch, {prefix: followed[prefix] for prefix in wanted}, followed)
            finally:
                with self._lock:
                    self._watch = None
        return 0.0

    def _load(self, followed: dict[str, _Followed]) -> None:
        now = self._clock.monotonic()
        wanted = {
            prefix: each
            for prefix, each in followed.items()
            if each.revision is None and now >= each.retry_at
        }
        if not wanted or self._thread.ending:
            return
        ranges = self._store.ranges(list(wanted))
        for prefix, refusal in ranges.refused:
            self._set_back(prefix, wanted[prefix], refusal)
        for prefix, found in ranges.found.items():
            each = wanted[prefix]
            try:
                each.listener.loaded(found.entries)
            except Exception as error:
                self._set_back(prefix, each, error)
            else:
                each.revision = found.revision

    def _until_retry(self, followed: dict[str, _Followed]) -> float:
        """Seconds until the next prefix is to be tried again."""
        now = self._clock.monotonic()
        return max(0.0, min((each.retry_at - now for each in followed.values()), default=60.0))

    def _read(
        self, watch: Watch, streamed: dict[str, _Followed], followed: dict[str, _Followed]
    ) -> None:
        index = Prefixes(streamed)
        first = True
        for batch in watch:
            for prefix, error in batch.refused:
                self._refused(prefix, streamed[prefix], error)
            if first:
                first = False
                for prefix, each in streamed.items():
                    self._find(prefix, each)
            self._take(batch, index, streamed)
            if self._is_due(followed):
                return
        with self._lock:
            renewing = self._renew
        if not renewing and not self._thread.ending:
            raise StoreAway("the watch ended")

    def _is_due(self, followed: dict[str, _Followed]) -> bool:
        now = self._clock.monotonic()
        return any(each.revision is None and now >= each.retry_at for each in followed.values())

    def _refused(self, prefix: str, each: _Followed, error: StoreError) -> None:
        each.revision = None
        if not isinstance(error, Compacted):
            self._set_back(prefix, each, error)

    def _find(self, prefix: str, each: _Followed) -> None:
        if each.revision is None or each.following:
            return
        each.following = True
        try:
            each.listener.found()
        except Exception as error:
            self._set_back(prefix, each, error)

    def _take(self, batch: Batch, index: Prefixes, streamed: dict[str, _Followed]) -> None:
        self._thread.fine()
        changes: dict[str, list[Event]] = {}
        for event in batch.events:
            for prefix in index.of(event.key):
                revision = streamed[prefix].revision
                if revision is not None and event.revision > revision:
                    changes.setdefault(prefix, []).append(event)
        for prefix, events in changes.items():
            each = streamed[prefix]
            try:
                each.listener.changed(events)
            except Exception as error:
                self._set_back(prefix, each, error)
            else:
                each.backoff.reset()
        for each in streamed.values():
            if each.revision is not None:
                each.revision = max(each.revision, batch.revision)

    def _set_back(self, prefix: str, each: _Followed, error: Exception) -> None:
        """A trouble of one prefix: its range is read again after a pause."""
        each.revision = None
        each.retry_at = self._clock.monotonic() + each.backoff.next()
        if not isinstance(error, StoreError) and each.following is not False:
            _log.error("following %s failed; beginning anew", prefix, exc_info=error)
        self._lose(prefix, each, error)

    def _lose(self, prefix: str, each: _Followed, error: BaseException) -> None:
        if each.following is False:
            return
        each.following = False
        try:
            each.listener.lost(error if isinstance(error, StoreError) else StoreError(repr(error)))
        except Exception:
            _log.exception("the listener of %s failed", prefix)

    def _trouble(self, error: BaseException) -> None:
        """The stream broke. After an error of the store each prefix goes on where it was; after
        any other nobody knows who was told what, so every range is read again."""
        with self._lock:
            followed = list(self._followed.items())
        broken = not isinstance(error, StoreError)
        if broken and any(each.following is not False for _, each in followed):
            _log.error("following the store failed; beginning anew", exc_info=error)
        for prefix, each in followed:
            if broken or isinstance(error, Compacted):
                each.revision = None
            if not isinstance(error, Compacted):
                self._lose(prefix, each, error)
