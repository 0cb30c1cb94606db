"""Moves the events of changes from the outbox in the state store to the facts, each exactly once.

An event is a source of its own to the facts, with one position: one that is sent again, by this
platform or another, after a crash or when an answer was lost, is known there already. It leaves the
outbox after the facts have said that it is on their disk.
"""

import hashlib
import logging
from collections.abc import Iterator, Sequence

import msgspec
from starlette.concurrency import run_in_threadpool

from pie.model import SYSTEM_CLOCK, Clock, Failure
from pie.observe.facts.rows import EventRow
from pie.observe.record.encode import encode
from pie.platform.facts.answer import IngestAnswer
from pie.platform.facts.client import FactsClient
from pie.platform.facts.schema import EVENTS
from pie.state import Entry, Fenced, LimitExceeded, Store, Write
from pie.state.events import PREFIX, ChangeEvent, read_event

_log = logging.getLogger("pie.platform")
_BATCH_BYTES = 4 << 20
_BATCH = 100
"""Events that one commit takes out of the outbox."""


class EventRelay:
    """Empties the outbox; of several platforms on one store, one does.

    Args:
        store: desired state.
        facts: where events go.
    """

    period = 1.0

    def __init__(self, store: Store, facts: FactsClient, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._store = store
        self._facts = facts
        self._clock = clock
        self.fence = Fenced(store, "events", clock=clock)
        self._away = False

    async def look(self) -> None:
        """Move what there is, the oldest first."""
        for batch in _batches(await run_in_threadpool(self._oldest, PREFIX)):
            try:
                await self._relay(batch)
            except Failure as failure:
                if not self._away:
                    self._away = True
                    _log.warning("events of changes wait in the state store: %s", failure)
                return
            self._away = False

    async def _relay(self, batch: Sequence[Entry]) -> None:
        body = b"".join(encode(_row_of(entry, self._clock)) for entry in batch)
        answer = msgspec.json.decode(
            await self._facts.ingest(EVENTS.name, body, gzip=False), type=IngestAnswer
        )
        for refused in answer.rejected:  # They are in the dead letters of the facts.
            _log.error("the event %s is no row: %s", batch[refused.line - 1].key, refused.reason)
        writes = [Write(entry.key, None) for entry in batch]
        await run_in_threadpool(lambda: self.fence.commit(writes))

    def _oldest(self, prefix: str) -> Sequence[Entry]:
        """Events in order of time; not all, where they are too many for one answer."""
        try:
            return self._store.range(prefix).entries
        except LimitExceeded:
            for digit in "0123456789":
                found = self._oldest(prefix + digit)
                if found:
                    return found
            return ()


def _batches(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        if batch and (len(batch) == _BATCH or size + len(entry.value) > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += len(entry.value)
    if batch:
        yield batch


def _row_of(entry: Entry, clock: Clock) -> EventRow:
    name = entry.key.removeprefix(PREFIX)
    try:
        event = read_event(entry.value)
    except ValueError:  # Of a newer Pie, or written by hand: kept as it is.
        event = ChangeEvent(
            id=name, at=clock.wall(), kind="rule", subject="", person="", after=entry.value
        )
    return EventRow(
        src=int.from_bytes(hashlib.blake2b(entry.key.encode(), digest_size=8).digest()),
        pos=1,
        ts=event.at,
        id=event.id,
        kind=event.kind,
        psm=event.psm,
        subject=event.subject,
        person=event.person,
        reason=event.reason,
        version=event.version,
        before=event.before,
        after=event.after,
    )
