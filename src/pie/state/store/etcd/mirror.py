"""Keeps a copy of etcd's keys in memory: reads everything once, then follows one watch."""

import itertools
import logging
import threading
from collections.abc import Callable

from pie.model import Backoff, Resident
from pie.state.store.etcd import wire
from pie.state.store.etcd.gateway import Gateway, Stream
from pie.state.store.etcd.pages import Names, read_all
from pie.state.store.history import History
from pie.state.store.interface import Entry, Event, StoreAway, StoreError
from pie.state.store.table import Table

_log = logging.getLogger("pie.state")
QUIET_S = 4.0
"""A watch without news for so long is opened anew: its member may hang."""
LONGEST_PAUSE_S = 1.0


class Mirror:
    """Feeds a table and a history from etcd, whatever becomes of its members.

    Every event is taken once, because the watch goes on at the revision after the last one that was
    taken. When etcd has compacted that, or lost its history, everything is read anew and those who
    follow the history get `Compacted`, unless nothing had changed.

    Args:
        gateway: to the cluster.
        names: of the keys.
        table: to fill.
        history: to append to; its lock guards the table, too.
    """

    def __init__(self, gateway: Gateway, names: Names, table: Table, history: History) -> None:
        self._gateway = gateway
        self._names = names
        self._table = table
        self._history = history
        self._moved = threading.Condition(history.lock)
        self._stream: Stream | None = None
        self._header: wire.Header | None = None
        self._pieces: list[wire.WatchEvent] = []
        self.trouble = "it has not been read yet"
        """Why etcd is not followed at the moment; empty when it is."""
        self.written = 0
        """The latest change made through this process: the copy must have it to be read."""
        self._thread = Resident(
            "pie-etcd-mirror",
            self._step,
            _log,
            backoff=Backoff(longest=LONGEST_PAUSE_S),
            trouble=self._report,
        )

    def start(self) -> None:
        """Begin to follow; once."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._thread.stop()
        self.interrupt()
        self._thread.stop(2.0)

    @property
    def loaded(self) -> bool:
        """Whether everything was read once."""
        return self._header is not None

    def wait(self, met: Callable[[], bool], seconds: float) -> bool:
        """Wait until something is true of the table or the history; whether it became true."""
        with self._moved:
            return self._moved.wait_for(met, seconds)

    def note(self, revision: int) -> None:
        """A change was made through this process."""
        with self._moved:
            self.written = max(self.written, revision)

    def interrupt(self) -> None:
        """Open the watch anew, at another member: the present one is behind."""
        stream = self._stream
        if stream is not None:
            self._gateway.leave(stream.endpoint)
            stream.close()

    # -- in the thread ------------------------------------------------------------------------

    def _step(self) -> float:
        request = wire.RangeRequest(self._names.first, count_only=True)
        now = self._gateway.call("/v3/kv/range", request, wire.RangeReply, repeat=True).header
        if self._header is None or self._is_another(now):
            self._load()
        self._follow()
        return 0.0

    def _is_another(self, now: wire.Header) -> bool:
        """Whether etcd was restored from a backup, or begun anew."""
        before = self._header
        assert before is not None
        return (
            now.cluster_id != before.cluster_id
            or now.raft_term < before.raft_term
            or now.revision < self._history.revision
        )

    def _load(self) -> None:
        first = not self.loaded
        header, entries = read_all(self._gateway, self._names, self._names.first)
        with self._moved:
            same = self._header is not None and self._header.cluster_id == header.cluster_id
            self._header = header
            if not (same and self._holds(entries)):
                self._replace(entries)
                self.written = 0
                self._history.reset(header.revision)
            else:
                self._history.revision = max(self._history.revision, header.revision)
            self._moved.notify_all()
        if not first:
            _log.warning("etcd was read anew: its history does not reach back to what was known")

    def _holds(self, entries: list[Entry]) -> bool:
        return len(entries) == len(self._table) and all(
            self._table.get(entry.key) == entry for entry in entries
        )

    def _replace(self, entries: list[Entry]) -> None:
        for entry in self._table.all():
            self._table.remove(entry.key)
        for entry in entries:
            self._table.insert(entry)

    def _follow(self) -> None:
        first = self._names.first
        create = wire.WatchCreate(first, wire.end_of(first), self._history.revision + 1)
        self._pieces = []
        stream = self._gateway.open("/v3/watch", wire.WatchRequest(create), QUIET_S)
        self._stream = stream
        heard = False
        try:
            if self._thread.ending:  # `interrupt` came before there was a stream.
                return
            for message in stream.messages():
                heard = True
                self._take(message)
        finally:
            self._stream = None
            stream.close()
        if not heard and not self._thread.ending:
            self._gateway.leave(stream.endpoint)
            raise StoreAway(f"etcd at {stream.endpoint} does not answer to a watch")

    def _take(self, message: wire.WatchReply) -> None:
        if message.canceled and message.compact_revision:
            self._load()
            raise StoreAway("etcd's history was compacted beyond what was known")
        if message.canceled:
            raise StoreAway(f"etcd ended the watch: {message.cancel_reason or 'no reason given'}")
        if message.created and self.trouble:
            self.trouble = ""
        self._thread.fine()
        self._pieces += message.events
        if message.fragment or not self._pieces:
            return
        events, self._pieces = self._pieces, []
        with self._moved:
            for revision, group in itertools.groupby(events, lambda each: each.kv.mod_revision):
                if revision > self._history.revision:
                    self._apply(revision, list(group))
            self._moved.notify_all()

    def _apply(self, revision: int, changes: list[wire.WatchEvent]) -> None:
        events: list[Event] = []
        for change in changes:
            if change.type == "DELETE":
                key = self._names.name(change.kv)
                if key is not None and self._table.get(key) is not None:
                    before = self._table.remove(key)
                    events.append(Event("delete", key, "", revision, before.lease))
                continue
            entry = self._names.entry(change.kv)
            if entry is not None:
                self._table.insert(entry)
                events.append(Event("put", entry.key, entry.value, revision, entry.lease))
        if events:
            self._history.append(events)
        else:
            self._history.revision = revision

    def _report(self, error: BaseException) -> None:
        known = isinstance(error, StoreError)
        if not self.trouble:
            _log.error("etcd is not followed: %s", error, exc_info=None if known else error)
        self.trouble = str(error) or type(error).__name__
