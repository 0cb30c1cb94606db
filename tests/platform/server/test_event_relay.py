"""Each event of the outbox becomes one row, whatever breaks between the two stores."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from pie.model import Failure, Kind
from pie.platform.facts.client import FactsClient
from pie.platform.facts.frames import Hello
from pie.platform.server.event_relay import EventRelay
from pie.platform.server.fenced import run_fenced
from pie.platform.server.supervisor import Supervisor
from pie.state import LimitExceeded, MemoryStore, Range
from pie.state.events import PREFIX, ChangeEvent, new_event_id, outbox


def event(number: int, **more: Any) -> ChangeEvent:
    return ChangeEvent(
        id=new_event_id(), at=1_790_000_000.0 + number, kind="rule", psm="a.b.c",
        subject="rule/server/access", person="ann", version=number, **more,
    )  # fmt: skip


class LosesAnswers(FactsClient):
    """Commits rows, and then loses the answer as often as it is told."""

    losses = 0

    async def ingest(self, table: str, body: bytes, *, gzip: bool) -> bytes:
        answer = await super().ingest(table, body, gzip=gzip)
        if self.losses:
            self.losses -= 1
            raise Failure(Kind.UNAVAILABLE, "the answer was lost")
        return answer


def test_an_event_is_one_row_though_answers_are_lost_and_two_relays_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EventRelay, "period", 0.02)
    store = MemoryStore()

    async def emptied() -> None:
        give_up = asyncio.get_running_loop().time() + 30
        while store.range(PREFIX).entries:
            assert asyncio.get_running_loop().time() < give_up
            await asyncio.sleep(0.01)

    async def scenario() -> list[dict[str, Any]]:
        facts = LosesAnswers()
        hello = Hello(
            directory=str(tmp_path), memory=1 << 29, insert_interval=0.0, lock_patience=1.0
        )
        supervising = asyncio.create_task(Supervisor(hello, facts, lambda _: None).run())
        first = asyncio.create_task(run_fenced(EventRelay(store, facts)))
        second = asyncio.create_task(run_fenced(EventRelay(store, facts)))
        for number in range(150):  # While the facts are away they wait.
            store.commit([outbox(event(number))])
        await emptied()
        facts.losses = 3
        store.commit([outbox(event(150))])
        store.commit([outbox(event(151, before="x" * 400_000, after="y" * 400_000))])
        await emptied()
        store.put(f"{PREFIX}by-hand", "of a newer Pie")
        await emptied()
        first.cancel()
        second.cancel()
        await asyncio.wait({first, second})
        store.commit([outbox(event(152))])
        third = asyncio.create_task(run_fenced(EventRelay(store, facts)))
        await emptied()
        rows = await facts.query(
            "SELECT id, version, length(before) AS before, after FROM events ORDER BY ts", {}
        )
        third.cancel()
        supervising.cancel()
        await asyncio.wait({third, supervising})
        return [json.loads(line) for line in rows.splitlines()]

    rows = asyncio.run(scenario())
    by_hand = [row for row in rows if row["id"] == "by-hand"]
    assert [row["after"] for row in by_hand] == ["of a newer Pie"]
    assert sorted(row["version"] for row in rows if row not in by_hand) == list(range(153))
    assert next(row["before"] for row in rows if row["version"] == 151) == 400_000


def test_an_outbox_too_large_for_one_answer_is_read_in_parts() -> None:
    class Narrow(MemoryStore):
        def range(self, prefix: str) -> Range:
            found = super().range(prefix)
            if len(found.entries) > 10:
                raise LimitExceeded("too large")
            return found

    store = Narrow()
    for number in range(20):
        store.put(f"{PREFIX}{number:017d}-aa", "")
    found = EventRelay(store, FactsClient())._oldest(PREFIX)
    assert [entry.key for entry in found] == [f"{PREFIX}{n:017d}-aa" for n in range(10)]
