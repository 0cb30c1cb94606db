"""Roll-outs: from one instance to all, back when calls go worse, by one platform at a time."""

import asyncio
import random
import time
from pathlib import Path
from typing import Any

import pytest

from pie.govern import Key
from pie.observe.facts.rows import EdgeRow, InForceRow, RuleRow
from pie.observe.record.encode import encode
from pie.platform.facts.client import FactsClient
from pie.platform.facts.frames import Hello
from pie.platform.govern.evidence import FEW_CALLS, Calls, Evidence, worse
from pie.platform.govern.rollout import RolloutWorker
from pie.platform.govern.steps import Decision, Found, Reported, decide
from pie.platform.server.supervisor import Supervisor
from pie.state import FenceLost, Instance, MemoryStore, instance_key
from pie.state.events import PREFIX, read_event
from pie.state.registry.instances import encode as registered
from pie.state.rules.book import RuleBook
from pie.state.rules.document import Rollout, RuleDocument, WrittenRule, goes_by_steps, share
from pie.testing.clock import FakeClock

PSM = "toutiao.my.server"
KEY = Key("rate", PSM, "server")
FLEET = [f"10.3.48.216:{port}" for port in range(7700, 7740)]
WELL = Evidence(Calls(1000, 2), Calls(500, 1), Calls(9000, 20))


def test_kinds_that_can_reject_go_by_steps() -> None:
    assert goes_by_steps("rate") and goes_by_steps("access")
    assert not goes_by_steps("retry") and not goes_by_steps("nothing")


# --- the test of calls ---


@pytest.mark.parametrize(
    ("found", "stops"),
    [
        (WELL, False),
        (Evidence(Calls(1000, 2), Calls(500, 500), Calls(9000, 20)), True),
        (Evidence(Calls(1000, 2), Calls(500, 40), Calls(9000, 20)), True),
        (Evidence(Calls(1000, 2), Calls(500, 10), Calls(9000, 20)), False),  # 2 %
        (Evidence(Calls(1000, 2), Calls(FEW_CALLS - 1, FEW_CALLS - 1), Calls()), False),
        (Evidence(Calls(1000, 2), Calls(FEW_CALLS, FEW_CALLS), Calls()), True),
        # The whole fleet is ill: not this version.
        (Evidence(Calls(1000, 2), Calls(500, 250), Calls(9000, 4500)), False),
        # The instance was ill before.
        (Evidence(Calls(1000, 500), Calls(500, 250), Calls(9000, 20)), False),
        # Nothing to compare with.
        (Evidence(Calls(), Calls(500, 250), Calls()), True),
        (Evidence(Calls(3, 3), Calls(500, 1), Calls(2, 0)), False),
    ],
)
def test_a_rise_must_show_before_and_beside(found: Evidence, stops: bool) -> None:
    assert bool(worse(found, 0.0)) == stops


def test_what_a_version_is_meant_to_reject_does_not_stop_it() -> None:
    found = Evidence(Calls(1000, 2), Calls(500, 25), Calls(9000, 20), by_version=24)
    assert "5.0% of 500 calls failed or were rejected, 0.2% of 1000 before" in worse(found, 0.0)
    assert worse(found, 0.0).endswith("rules of this version rejected 24")
    assert not worse(found, 5.0)


def test_of_thousand_roll_outs_that_change_nothing_hardly_one_is_stopped() -> None:
    chance = random.Random(7)

    def draw(calls: int, share: float) -> Calls:
        return Calls(calls, sum(chance.random() < share for _ in range(calls)))

    for share_of_bad in (0.0, 0.01, 0.2):
        stopped = sum(
            bool(worse(Evidence(draw(200, share_of_bad), draw(100, share_of_bad), Calls()), 0.0))
            for _ in range(300)
        )
        assert stopped <= 1


# --- the steps ---


def document(**rollout: Any) -> RuleDocument:
    return RuleDocument(
        **KEY._asdict(), version=2, rules=(), rollout=Rollout(**rollout), previous_version=1
    )


def reported(*instances: str, version: int = 2, trouble: str = "") -> dict[str, Reported]:
    return {each: Reported(version, trouble) for each in instances}


def test_one_instance_then_a_tenth_then_all() -> None:
    first = min(FLEET, key=lambda each: share(KEY, each))
    one = decide(document(), Found(FLEET, {}, Evidence()), 0, 50.0).rollout
    assert one is not None and (one.instances, one.percent, one.step) == ((first,), 0, 1)
    assert one.began == 50.0
    running = document(instances=(first,), step=1)
    found = Found(FLEET, reported(first), WELL)
    assert not decide(running, found, 59, 0).acts
    tenth = decide(running, found, 60, 0).rollout
    assert tenth is not None and (tenth.percent, tenth.step) == (10, 2)
    assert tenth.chooses(KEY, first), "the first is of the tenth"
    end = decide(document(instances=(first,), percent=10.0, step=2), found, 60, 0)
    assert end.acts and end.rollout is None


def test_a_small_fleet_goes_from_one_to_all() -> None:
    few = [each for each in FLEET if share(KEY, each) > 30][:3]
    one = decide(document(), Found(few, {}, Evidence()), 0, 0).rollout
    assert one is not None
    end = decide(document(instances=one.instances, step=1), Found(few, reported(*few), WELL), 60, 0)
    assert end.acts and end.rollout is None


def test_without_instances_nothing_is_tried() -> None:
    assert decide(document(), Found([], {}, Evidence()), 0, 0).rollout is None


def test_an_instance_that_ended_is_replaced() -> None:
    one = decide(document(instances=("gone:1",), step=1), Found(FLEET, {}, WELL), 5, 0)
    assert one.rollout is not None and one.rollout.instances[0] in FLEET
    assert one.reason.startswith("gone:1 ended; ")


def test_a_version_that_cannot_be_applied_is_stopped() -> None:
    trouble = reported(FLEET[0], version=1, trouble="v2: rules[0].body: no field x")
    found = Found(FLEET, trouble, WELL)
    stop = decide(document(instances=(FLEET[0],), step=1), found, 1, 0).rollout
    assert stop is not None and "cannot apply it: v2: rules[0].body" in stop.stopped


def test_it_waits_for_reports_and_calls() -> None:
    running = document(instances=(FLEET[0],), step=1)
    silent = decide(running, Found(FLEET, {}, WELL), 10_000, 0)
    assert not silent.acts and "did not report yet" in silent.reason
    late = Found(FLEET, reported(FLEET[0], version=1), WELL)
    assert not decide(running, late, 10_000, 0).acts
    few = Found(FLEET, reported(FLEET[0]), Evidence(since=Calls(3, 0)))
    assert "fewer than 20 calls" in decide(running, few, 599, 0).reason
    assert decide(running, few, 600, 0).acts


# --- the worker, over real facts ---


class Fleet:
    """A fleet whose processes are rows, and platforms that look after its roll-outs."""

    def __init__(self, facts: FactsClient, wall: float) -> None:
        self.facts = facts
        self.clock = FakeClock(wall=wall)
        self.store = MemoryStore(clock=self.clock)
        self.book = RuleBook(self.store, clock=self.clock)
        for each in FLEET:
            host, _, port = each.partition(":")
            instance = Instance(psm=PSM, id=each, host=host, port=int(port), protocol="thrift")
            self.store.put(instance_key(instance), registered(instance))

    def worker(self) -> RolloutWorker:
        return RolloutWorker(self.store, self.facts.query, clock=self.clock)

    async def send(self, table: str, *rows: Any) -> None:
        await self.facts.ingest(table, b"".join(map(encode, rows)), gzip=False)

    async def calls(self, instances: list[str], ok: int, bad: int = 0) -> None:
        now = int(self.clock.wall())
        rows = [
            EdgeRow(
                ts=now, side="server", protocol="thrift", psm=PSM, callee=PSM, instance=each,
                outcome=outcome, count=count,
            )
            for each in instances
            for outcome, count in (("ok", ok), ("exhausted", bad))
            if count
        ]  # fmt: skip
        await self.send("edge_10s", *rows)

    async def report(self, *instances: str, version: int) -> None:
        rows = [
            InForceRow(
                ts=self.clock.wall(), psm=PSM, instance=each, process=process,
                key=f"rule/server/rate@{PSM}", version=version,
            )
            for each in instances
            for process in (1, 2)
        ]  # fmt: skip
        await self.send("in_force", *rows)

    def publish(self, qps: float, seen: int, rollout: Rollout | None) -> None:
        rules = [WrittenRule({}, {"qps": qps})]
        self.book.publish(KEY, rules, seen=seen, by="ann", comment="", rollout=rollout)

    @property
    def rollout(self) -> Rollout | None:
        found = self.book.get(KEY)
        assert found is not None
        return found.rollout

    def reasons(self) -> list[str]:
        found = [read_event(entry.value) for entry in self.store.range(PREFIX).entries]
        return [each.reason for each in found if each.kind == "rollout"]


async def good_version(fleet: Fleet) -> None:
    fleet.publish(10, 0, None)
    await fleet.calls(FLEET, 200)
    fleet.clock.advance(20)
    fleet.publish(20, 1, Rollout())
    worker = fleet.worker()
    assert worker.fence.hold()
    await worker.look()
    one = fleet.rollout
    assert one is not None and len(one.instances) == 1
    fleet.clock.advance(30)
    await fleet.report(*one.instances, version=2)
    await fleet.calls(FLEET, 100)
    # The platform is killed; another goes on when the lease is over, with the whole pause again.
    other = fleet.worker()
    assert not other.fence.hold()
    fleet.clock.advance(15)
    fleet.store.expire()
    assert other.fence.hold()
    with pytest.raises(FenceLost):
        worker._roll(fleet.book.get(KEY), Decision(True, None, "it stood still, and acts late"))
    await other.look()
    fleet.clock.advance(59)
    other.fence.hold()
    await other.look()
    assert fleet.rollout == one and fleet.book.rolling() == {KEY: "step 1 lasts 60 s"}
    fleet.clock.advance(1)
    other.fence.hold()
    await other.look()
    tenth = fleet.rollout
    assert tenth is not None and tenth.percent == 10
    other.fence.hold()
    await other.look()
    fleet.book.freeze("ops", "hold")
    fleet.clock.advance(61)
    other.fence.hold()
    await fleet.calls(FLEET, 100)
    await fleet.report(*[each for each in FLEET if tenth.chooses(KEY, each)], version=2)
    await other.look()
    assert fleet.rollout == tenth and "frozen by ops" in fleet.book.rolling(PSM)[KEY]
    fleet.book.thaw("ops", "")
    await other.look()
    assert fleet.rollout is None
    assert fleet.book.rolling() == {}
    assert len(fleet.reasons()) == 3
    await other.look()
    assert other._seen == {}


async def bad_version(fleet: Fleet) -> None:
    fleet.publish(10, 0, None)
    await fleet.calls(FLEET, 200)
    fleet.clock.advance(20)
    fleet.publish(20, 1, Rollout())
    worker = fleet.worker()
    assert worker.fence.hold()
    await worker.look()
    one = fleet.rollout
    assert one is not None
    fleet.clock.advance(15)
    (first,) = one.instances
    await fleet.calls([first], 60, 40)
    await fleet.calls([each for each in FLEET if each != first], 100)
    rejected = RuleRow(
        ts=int(fleet.clock.wall()), psm=PSM, instance=first, owner=PSM, side="server",
        kind="rate", version=2, verdict="rejected", calls=40,
    )  # fmt: skip
    await fleet.send("rule_10s", rejected)
    worker.fence.hold()
    await worker.look()
    stopped = fleet.rollout
    assert stopped is not None
    assert stopped.stopped == (
        "40.0% of 100 calls failed or were rejected, 0.0% of 200 before, 0.0% of 3900 on other "
        "instances; rules of this version rejected 40"
    )
    document = fleet.book.get(KEY)
    assert document is not None and document.for_instance(first)[0] == 1
    assert fleet.reasons()[-1] == f"stopped: {stopped.stopped}"
    assert fleet.book.rolling() == {}


async def for_callers(fleet: Fleet) -> None:
    """The instances of callers are those that edges show."""
    key = Key("rate", PSM, "callers")
    caller = EdgeRow(
        ts=int(fleet.clock.wall()), side="client", protocol="thrift", psm="a.b.c", callee=PSM,
        instance="10.0.0.9:1", count=5,
    )  # fmt: skip
    await fleet.send("edge_10s", caller)
    assert await fleet.worker()._targets(key) == ["10.0.0.9:1"]


def test_the_worker(tmp_path: Path) -> None:
    async def run() -> None:
        facts = FactsClient()
        hello = Hello(
            directory=str(tmp_path), memory=1 << 29, insert_interval=0.0, lock_patience=1.0
        )
        supervisor = Supervisor(hello, facts, lambda _: None)
        supervising = asyncio.create_task(supervisor.run())
        await supervisor.settled.wait()
        hours_ago = time.time() // 10 * 10 - 86_400
        for scenario in (good_version, bad_version, for_callers):
            await scenario(Fleet(facts, hours_ago))
            hours_ago += 7200
        supervising.cancel()
        await asyncio.wait({supervising})

    asyncio.run(run())
