"""A gradual shift goes on while calls go well, and back when they go worse in the new cluster."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pie.govern import Key
from pie.observe.facts.rows import EdgeRow, InForceRow
from pie.observe.record.encode import encode
from pie.platform.facts.client import FactsClient
from pie.platform.facts.frames import Hello
from pie.platform.govern.shift import ShiftWorker
from pie.platform.server.supervisor import Supervisor
from pie.state import MemoryStore
from pie.state.rules.book import RuleBook
from pie.state.rules.document import RuleDocument, WrittenRule
from pie.testing.clock import FakeClock

PSM = "toutiao.my.server"
KEY = Key("route", PSM, "callers")


class Fleet:
    """Callers whose calls are rows, and a shift of ten minutes that began five ago."""

    def __init__(self, facts: FactsClient, wall: float, scope: dict[str, str]) -> None:
        self.facts = facts
        self.clock = FakeClock(wall=wall)
        store = MemoryStore(clock=self.clock)
        self.book = RuleBook(store, clock=self.clock)
        self.worker = ShiftWorker(store, facts.query, clock=self.clock)
        self.began = wall - 300
        begins = datetime.fromtimestamp(self.began, UTC).isoformat()
        shift = WrittenRule(
            scope, {"shift_to": "blue", "shift_begins": begins, "shift_minutes": 10}
        )
        other = WrittenRule({}, {"clusters": {"default": 1}})
        self.book.publish(KEY, [other, shift], seen=0, by="ann", comment="")

    async def send(self, table: str, *rows: Any) -> None:
        await self.facts.ingest(table, b"".join(map(encode, rows)), gzip=False)

    async def calls(self, ago: int, cluster: str, ok: int, bad: int, method: str = "Get") -> None:
        rows = [
            EdgeRow(
                ts=int(self.clock.wall()) - ago, side="client", protocol="thrift", psm="a.b.c",
                caller="a.b.c", callee=PSM, callee_cluster=cluster, method=method,
                outcome=outcome, count=count,
            )
            for outcome, count in (("ok", ok), ("unavailable", bad))
            if count
        ]  # fmt: skip
        await self.send("edge_10s", *rows)

    async def look(self) -> RuleDocument:
        row = InForceRow(
            ts=self.clock.wall(), psm="a.b.c", key=f"rule/callers/route@{PSM}", version=1
        )
        await self.send("in_force", row)
        assert self.worker.fence.hold()
        await self.worker.look()
        self.worker.fence.release()
        found = self.book.get(KEY)
        assert found is not None
        return found


async def goes_well(fleet: Fleet) -> None:
    await fleet.calls(400, "default", 1000, 2)
    await fleet.calls(20, "default", 500, 1)
    await fleet.calls(20, "blue", 500, 2)
    await fleet.calls(20, "blue", 0, 500, method="Put")  # Not of the rule.
    assert (await fleet.look()).version == 1


async def is_ill_everywhere(fleet: Fleet) -> None:
    await fleet.calls(400, "default", 1000, 2)
    await fleet.calls(20, "default", 250, 250)
    await fleet.calls(20, "blue", 250, 250)
    assert (await fleet.look()).version == 1


async def goes_worse(fleet: Fleet) -> None:
    await fleet.calls(400, "default", 1000, 0)
    await fleet.calls(20, "default", 500, 0)
    await fleet.calls(20, "blue", 60, 40)
    fleet.book.freeze("ops", "what does harm is taken back all the same")
    found = await fleet.look()
    assert (found.version, found.author) == (2, "pie")
    assert found.comment == (
        "shift to blue stopped at 50%: 40.0% of 100 calls failed there, 0.0% of 500 elsewhere, "
        "0.0% of 1000 before"
    )
    other, shift = found.rules
    assert (shift.body["shift_most"], other.body) == (0, {"clusters": {"default": 1}})
    assert (await fleet.look()).version == 2


async def goes_worse_than_in_its_own_cluster(fleet: Fleet) -> None:
    """The default cluster fails as well, and has nothing to do with the rule."""
    await fleet.calls(400, "canary", 1000, 0)
    await fleet.calls(400, "default", 500, 500)
    await fleet.calls(20, "canary", 500, 0)
    await fleet.calls(20, "default", 250, 250)
    await fleet.calls(20, "blue", 60, 40)
    found = await fleet.look()
    assert found.comment == (
        "shift to blue stopped at 50%: 40.0% of 100 calls failed there, 0.0% of 500 elsewhere, "
        "0.0% of 1000 before"
    )


async def another_cluster_is_ill(fleet: Fleet) -> None:
    """Without a cluster in its scope a rule is about calls for the default one."""
    await fleet.calls(400, "default", 500, 100)
    await fleet.calls(20, "default", 500, 100)
    await fleet.calls(20, "blue", 500, 100)
    await fleet.calls(400, "canary", 100_000, 0)
    assert (await fleet.look()).version == 1


GET = {"method": "Get*"}
SCENARIOS = (
    (goes_well, GET),
    (is_ill_everywhere, GET),
    (goes_worse, GET),
    (goes_worse_than_in_its_own_cluster, {"cluster": "canary"}),
    (another_cluster_is_ill, GET),
)


def test_shifts_are_looked_after(tmp_path: Path) -> None:
    async def run() -> None:
        facts = FactsClient()
        hello = Hello(
            directory=str(tmp_path), memory=1 << 29, insert_interval=0.0, lock_patience=1.0
        )
        supervisor = Supervisor(hello, facts, lambda _: None)
        supervising = asyncio.create_task(supervisor.run())
        await supervisor.settled.wait()
        hours_ago = time.time() // 10 * 10 - 86_400
        for scenario, scope in SCENARIOS:
            await scenario(Fleet(facts, hours_ago, scope))
            hours_ago += 7200
        supervising.cancel()
        await asyncio.wait({supervising})

    asyncio.run(run())
