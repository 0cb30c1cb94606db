"""The roll-out worker: takes new versions of rules from one instance to all, or back.

It holds a fenced lock, and each of its writes expects that lock and the document as it was read. So
of several platforms one acts, one that stood still or lost its lease does nothing, and another goes
on from the document, where the state of a roll-out stands. The time of a step runs by a monotonic
clock since this process first saw it: neither a clock that is set nor a crash makes a step shorter.
"""

import logging
from collections.abc import Collection
from contextlib import suppress
from functools import partial
from typing import Final

import msgspec
from starlette.concurrency import run_in_threadpool

from pie.govern import Key
from pie.model import SYSTEM_CLOCK, Clock, Failure
from pie.observe.facts.rows import EDGE_SECONDS
from pie.platform.ask.asking import Ask, decode
from pie.platform.govern.evidence import Calls, Evidence
from pie.platform.govern.steps import Decision, Found, Reported, decide
from pie.state import Fenced, FenceLost, Store, StoreError, Write, instances_prefix
from pie.state.freeze import Frozen
from pie.state.registry.instances import read_instance
from pie.state.rules.book import RuleBook
from pie.state.rules.document import RuleDocument, rollout_key

_log = logging.getLogger("pie.platform")
_BEFORE_S: Final = 600
_REPORT_S: Final = 200
_AUTHOR = "pie"

_CALLS = """
SELECT has({{treated:Array(String)}}, instance) AS treated,
  ts >= fromUnixTimestamp({{since:Int64}}) AS after,
  sum(count) AS calls, sumIf(count, outcome NOT IN ('ok', 'business')) AS bad
FROM edge_10s
WHERE {whose} AND traffic != 'stress' AND (ts >= fromUnixTimestamp({{since:Int64}})
  OR ts >= fromUnixTimestamp({{from:Int64}}) AND ts <= fromUnixTimestamp({{until:Int64}}))
GROUP BY treated, after
"""
_WHOSE = {
    "server": "side = 'server' AND psm = {psm:String}",
    "client": "side = 'client' AND psm = {psm:String}",
    "callers": "side = 'client' AND callee = {psm:String}",
}
_REJECTED = """
SELECT sum(calls) AS calls FROM rule_10s
WHERE owner = {psm:String} AND side = {side:String} AND kind = {kind:String}
  AND version = {version:UInt32} AND verdict = 'rejected' AND ts >= fromUnixTimestamp({since:Int64})
"""
_REPORTS = """
SELECT instance, process, argMax(version, ts) AS version, argMax(trouble, ts) AS trouble
FROM in_force WHERE key = {key:String} AND ts >= fromUnixTimestamp({since:Int64})
GROUP BY instance, process
"""
_CALLERS = """
SELECT DISTINCT instance FROM edge_10s WHERE side = 'client' AND callee = {psm:String}
  AND ts >= fromUnixTimestamp({since:Int64}) AND instance != '' LIMIT 20000
"""


class _CallsRow(msgspec.Struct):
    treated: bool | int
    after: bool | int
    calls: int
    bad: int


class _ReportRow(msgspec.Struct):
    instance: str
    process: int
    version: int
    trouble: str


class RolloutWorker:
    """Looks after all roll-outs of a fleet.

    Args:
        store: desired state.
        ask: asks the facts.
    """

    period = 2.0

    def __init__(self, store: Store, ask: Ask, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._store = store
        self._ask = ask
        self._clock = clock
        self.fence = Fenced(store, "rollouts", clock=clock)
        self._book = RuleBook(store, fence=self.fence, clock=clock)
        self._seen: dict[Key, tuple[RuleDocument, float]] = {}
        """The documents of roll-outs, and when they were first seen as they are."""

    async def look(self) -> None:
        """Take each roll-out a step further whose time has come."""
        rolling = await run_in_threadpool(self._book.rolling)
        for gone in self._seen.keys() - rolling.keys():
            del self._seen[gone]
        for key, known in rolling.items():
            try:
                waits_for = await self._advance(key)
            except FenceLost:
                raise
            except (Failure, StoreError) as error:
                waits_for = str(error)[:500]
            if waits_for and waits_for != known:
                _log.info("the roll-out of %s (%s) of %s waits: %s", *key[::2], key.psm, waits_for)
                with suppress(StoreError):
                    await run_in_threadpool(partial(self._book.note_waiting, key, waits_for))

    async def _advance(self, key: Key) -> str:
        """Take one roll-out further; what it waits for, empty if it acted."""
        document = await run_in_threadpool(lambda: self._book.get(key))
        if document is None or document.rollout is None or document.rollout.stopped:
            writes = [Write(rollout_key(key), None)]  # The document was changed by hand.
            await run_in_threadpool(lambda: self.fence.commit(writes))
            return ""
        known, since = self._seen.get(key, (None, 0.0))
        if known != document:
            since = self._clock.monotonic()
            self._seen[key] = document, since
        found = await self._look_at(document)
        elapsed = self._clock.monotonic() - since
        decision = decide(document, found, elapsed, self._clock.wall())
        if not decision.acts:
            return decision.reason
        try:
            await run_in_threadpool(lambda: self._roll(document, decision))
        except Frozen as frozen:
            return str(frozen)
        return ""

    def _roll(self, document: RuleDocument, decision: Decision) -> None:
        rollout = decision.rollout
        stopped = rollout.stopped if rollout is not None else ""
        reason = f"stopped: {stopped}" if stopped else decision.reason
        rolled = self._book.roll(document, rollout, by=_AUTHOR, reason=reason[:2000])
        if rolled is None:
            return
        level = logging.WARNING if stopped else logging.INFO
        _log.log(
            level, "roll-out of %s v%d (%s) of %s: %s",
            *(document.kind, document.version, document.side, document.psm, reason),
        )  # fmt: skip

    # -- what is known --------------------------------------------------------------------------

    async def _look_at(self, document: RuleDocument) -> Found:
        targets = await self._targets(document.key)
        rollout = document.rollout
        assert rollout is not None
        if rollout.step == 0:
            return Found(targets, {}, Evidence())
        treated = [each for each in targets if rollout.chooses(document.key, each)]
        return Found(
            targets, await self._reports(document.key), await self._evidence(document, treated)
        )

    async def _targets(self, key: Key) -> Collection[str]:
        if key.side == "callers":
            since = int(self._clock.wall()) - _BEFORE_S
            answer = await self._ask(_CALLERS, {"psm": key.psm, "since": since})
            return [row["instance"] for row in decode(answer, dict[str, str])]
        prefix = instances_prefix(key.psm)
        entries = (await run_in_threadpool(lambda: self._store.range(prefix))).entries
        found = (read_instance(entry.key, entry.value) for entry in entries)
        return [instance.id for instance in found if instance is not None]

    async def _reports(self, key: Key) -> dict[str, Reported]:
        """Of an instance with several processes, the one that is behind."""
        params = {
            "key": f"rule/{key.side}/{key.kind}@{key.psm}",
            "since": int(self._clock.wall()) - _REPORT_S,
        }
        found: dict[str, Reported] = {}
        for row in decode(await self._ask(_REPORTS, params), _ReportRow):
            known = found.get(row.instance)
            if known is None or row.version < known.version or row.trouble:
                found[row.instance] = Reported(row.version, row.trouble)
        return found

    async def _evidence(self, document: RuleDocument, treated: Collection[str]) -> Evidence:
        rollout = document.rollout
        assert rollout is not None
        began = int(rollout.began)
        params = {
            "psm": document.psm,
            "treated": list(treated),
            "from": began - _BEFORE_S,
            "until": began - EDGE_SECONDS,  # Aggregates that ended before the step,
            "since": began + 1,  # and those that began after it.
        }
        sql = _CALLS.format(whose=_WHOSE[document.side])
        arms = {
            (bool(row.treated), bool(row.after)): Calls(row.calls, row.bad)
            for row in decode(await self._ask(sql, params), _CallsRow)
        }
        of_version = {
            "psm": document.psm,
            "side": document.side,
            "kind": document.kind,
            "version": document.version,
            "since": began,
        }
        rejected = decode(await self._ask(_REJECTED, of_version), dict[str, int])
        return Evidence(
            arms.get((True, False), Calls()),
            arms.get((True, True), Calls()),
            arms.get((False, True), Calls()),
            int(rejected[0]["calls"]) if rejected else 0,
        )
