"""The shift worker: sends calls back that a route rule moves to a cluster in which they go worse.

The share of a shift is a function of time, which every caller computes by itself; stopping it is a
publishing of the same rules with ``shift_most`` 0, under a fenced lock, on the version that was
looked at. The test is the one of roll-outs (``evidence``): calls in the new cluster of the last two
minutes, against those in the other clusters meanwhile and in the ten minutes before the shift. It
looks on for five minutes after the end, when nothing is left to compare with but the time before.
"""

import logging
from contextlib import suppress
from typing import Any, Final

import msgspec
from starlette.concurrency import run_in_threadpool

from pie.govern import Key, RouteRule, Scope, Subject
from pie.govern.route.build import DEFAULT
from pie.model import SYSTEM_CLOCK, Clock, Failure
from pie.platform.ask.asking import Ask, decode
from pie.platform.govern.evidence import Calls, Evidence, worse
from pie.state import Fenced, FenceLost, Store, StoreError
from pie.state.rules.book import RuleBook, RuleConflict
from pie.state.rules.document import RuleDocument, WrittenRule, read_set

_log = logging.getLogger("pie.platform")
WINDOW_S: Final = 120
BEFORE_S: Final = 600
AFTER_S: Final = 300
_REPORT_S: Final = 200
_AUTHOR = "pie"

_KEYS = """
SELECT DISTINCT substring(key, length({prefix:String}) + 1) AS psm FROM in_force
WHERE startsWith(key, {prefix:String}) AND version > 0 AND ts >= fromUnixTimestamp({since:Int64})
"""
_CALLS = """
SELECT callee_cluster AS went_to, caller, caller_cluster, method, lane,
  ts >= fromUnixTimestamp({since:Int64}) AS after,
  sum(count) AS calls, sumIf(count, outcome NOT IN ('ok', 'business')) AS bad
FROM edge_10s
WHERE side = 'client' AND callee = {psm:String} AND traffic != 'stress'
  AND (ts >= fromUnixTimestamp({since:Int64})
    OR ts >= fromUnixTimestamp({from:Int64}) AND ts < fromUnixTimestamp({began:Int64}))
GROUP BY went_to, caller, caller_cluster, method, lane, after LIMIT 100000
"""


class _CallsRow(msgspec.Struct):
    went_to: str
    caller: str
    caller_cluster: str
    method: str
    lane: str
    after: bool | int
    calls: int
    bad: int


class ShiftWorker:
    """Looks after all shifts of a fleet.

    Args:
        store: desired state.
        ask: asks the facts.
    """

    period = 3.0

    def __init__(self, store: Store, ask: Ask, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._ask = ask
        self._clock = clock
        self.fence = Fenced(store, "shifts", clock=clock)
        self._book = RuleBook(store, fence=self.fence, clock=clock)

    async def look(self) -> None:
        """Stop the shifts that make calls go worse."""
        prefix = "rule/callers/route@"
        since = int(self._clock.wall()) - _REPORT_S
        try:
            answer = await self._ask(_KEYS, {"prefix": prefix, "since": since})
        except Failure:
            return  # While the facts are away nothing can be said of a shift.
        for row in decode(answer, dict[str, str]):
            key = Key("route", row["psm"], "callers")
            try:
                await self._look_at(key)
            except FenceLost:
                raise
            except (Failure, StoreError, ValueError) as error:
                _log.warning("the shifts of %s cannot be looked after: %s", key.psm, error)

    async def _look_at(self, key: Key) -> None:
        document = await run_in_threadpool(lambda: self._book.get(key))
        if document is None:
            return
        rules = read_set(key, document.version, document.rules)
        stopped: dict[int, str] = {}
        for scope, ruling in rules.scoped:
            if self._is_under_way(ruling.rule):
                why = await self._worse(key, scope, ruling.rule)
                if why:
                    stopped[ruling.number] = why
        if stopped:
            await run_in_threadpool(lambda: self._stop(document, stopped))

    def _is_under_way(self, rule: RouteRule) -> bool:
        now = self._clock.wall()
        if not rule.shift_to or rule.shift_begins is None or not rule.shift_at(now):
            return False
        end = rule.shift_begins.timestamp() + rule.shift_minutes * 60
        return now < end + AFTER_S

    async def _worse(self, key: Key, scope: Scope, rule: RouteRule) -> str:
        """Why a shift has to stop; empty if it has not."""
        assert rule.shift_begins is not None
        began = int(rule.shift_begins.timestamp())
        now = self._clock.wall()
        since = max(began, int(now) - WINDOW_S)
        params = {"psm": key.psm, "since": since, "began": began, "from": began - BEFORE_S}
        rows = decode(await self._ask(_CALLS, params), _CallsRow)
        found = _evidence([row for row in rows if _is_in(row, key.psm, scope, rule)], rule.shift_to)
        if not worse(found, 0.0):
            return ""
        return (
            f"shift to {rule.shift_to} stopped at {rule.shift_at(now):.0%}: {found.since} calls "
            f"failed there, {found.others} elsewhere, {found.before} before"
        )

    def _stop(self, document: RuleDocument, stopped: dict[int, str]) -> None:
        rules = [
            WrittenRule(each.scope, {**each.body, "shift_most": 0} if n in stopped else each.body)
            for n, each in enumerate(document.rules)
        ]
        why = "; ".join(stopped.values())
        _log.warning("%s: %s", document.psm, why)
        with suppress(RuleConflict):  # Somebody published meanwhile: the next look sees it.
            self._book.publish(
                document.key, rules, seen=document.version, by=_AUTHOR, comment=why[:2000],
                though_frozen=True,
            )  # fmt: skip


def _is_in(row: _CallsRow, psm: str, scope: Scope, rule: RouteRule) -> bool:
    """Whether calls are those of a rule.

    The cluster that they asked for is not known of them: those of the rule went to a cluster of its
    scope, or to one that the rule names. A rule whose scope names none is about calls for the
    default cluster alone.
    """
    asked = scope if scope.cluster != "*" else Scope(cluster=DEFAULT)
    named = row.went_to == rule.shift_to or row.went_to in rule.clusters
    if not named and not asked.is_for_cluster(row.went_to):
        return False
    anywhere = msgspec.structs.replace(scope, cluster="*")
    who: dict[str, Any] = {"callee": psm, "method": row.method, "cluster": row.went_to}
    who |= {"caller": row.caller, "caller_cluster": row.caller_cluster, "lane": row.lane}
    return anywhere.matches(Subject(**who))


def _evidence(rows: list[_CallsRow], target: str) -> Evidence:
    def sum_of(*, after: bool, there: bool) -> Calls:
        found = [
            row for row in rows if bool(row.after) == after and (row.went_to == target) == there
        ]
        return Calls(sum(row.calls for row in found), sum(row.bad for row in found))

    return Evidence(
        before=sum_of(after=False, there=False),
        since=sum_of(after=True, there=True),
        others=sum_of(after=True, there=False),
    )
