"""Reports what this process is asked for under limits of its whole service, and takes its parts.

From a thread of its own, which exists only while there is such a limit: no call waits for it. While
the platform does not answer, the process has its equal parts (``pie.govern.share``).
"""

import logging
import math
import os
from collections.abc import Callable
from hashlib import blake2b
from typing import Final, NamedTuple

from pie.call.policies import Policies
from pie.govern import RateRule, RateState
from pie.govern.level import Level
from pie.govern.rate import LevelKey
from pie.govern.scope import Pattern
from pie.model import SYSTEM_CLOCK, Clock, Resident
from pie.observe import Identity
from pie.state import StoreError
from pie.state.store.wire import (
    MAX_CLUSTERS,
    MAX_GROUPS,
    MAX_LIMITS,
    SharedLimit,
    SharedLimits,
    SharesReply,
    SharesRequest,
)

_log = logging.getLogger("pie.state")
Ask = Callable[[SharesRequest], SharesReply]
"""Asks the platform; may wait. Raises StoreError."""
LOOK_S: Final = 1.0
"""Between two looks for callers that were not there before: they are reported at once."""
PERIOD_S: Final = 5.0
"""Between two reports until the platform says otherwise."""
_LEAST: Final = 1e-3
"""Less demand than this part of a limit is none."""


class _Shared(NamedTuple):
    """A rule whose limit is shared: between the instances of which clusters."""

    clusters: Pattern
    qps: float


class _Asked(NamedTuple):
    """A limit that is reported."""

    level: Level
    limit: SharedLimit


class _Demand:
    """What one limit is asked for here."""

    __slots__ = ("at", "came", "wants")

    def __init__(self, now: float) -> None:
        self.at = now - LOOK_S
        self.came = 0.0
        self.wants = 0.0

    def see(self, came: float, qps: float, now: float) -> None:
        """Up at once, down by halves: a pause of the callers is no end of their demand."""
        wants = (came - self.came) / max(now - self.at, LOOK_S) / qps
        self.wants = wants if wants > self.wants else (wants + self.wants) / 2
        self.came, self.at = came, now


class DemandShares:
    """Keeps ``Level.part`` of the levels whose limits are shared.

    Args:
        policies: of the process.
        identity: of the process.
        ask: the platform.
        clock: monotonic.
    """

    def __init__(
        self, policies: Policies, identity: Identity, ask: Ask, *, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._policies = policies
        self._identity = identity
        self._ask = ask
        self._clock = clock
        self._shared: dict[str, _Shared] = {}
        self._pid = 0
        self._thread: Resident | None = None
        self._begin()
        policies.watch(self._rules_changed)

    def _begin(self) -> None:
        self._demands: dict[LevelKey, _Demand] = {}
        self._asked_at = -math.inf
        self._ends = -math.inf
        self._again = PERIOD_S
        self._away = False

    def start(self) -> None:
        """Follow demand in this process from now on; in a forked child, again."""
        if self._pid != os.getpid():
            self._pid, self._thread = os.getpid(), None
            self._begin()
        self._rules_changed()

    def stop(self) -> None:
        """End the thread."""
        self._pid = 0
        if self._thread is not None:
            self._thread.stop()

    def _rules_changed(self) -> None:
        rules = self._policies.rule_set(RateRule, self._identity.psm, "server")
        self._shared = {
            ruling.scope: _Shared(scope.cluster, ruling.rule.qps)
            for scope, ruling in (rules.scoped if rules is not None else ())
            if ruling.rule.per == "service" and scope.is_for_cluster(self._identity.cluster)
        }
        if self._thread is not None:
            self._thread.wake()
        elif self._shared and self._pid == os.getpid():
            self._thread = Resident("pie-shares", self.step, _log)
            try:
                self._thread.start()
            except RuntimeError:  # The system refuses a thread; the next rules try again.
                self._thread = None

    def step(self) -> float:
        """Report if it is time to; seconds until the next step."""
        if not self._shared:
            return math.inf
        now = self._clock.monotonic()
        state = self._policies.state(RateState)
        self._end_leases(state, now)
        if now - self._asked_at >= self._again or self._is_news(state):
            self._report(state, now)
        return LOOK_S

    def _levels(self, state: RateState) -> list[tuple[LevelKey, Level]]:
        return [
            (key, level)
            for key, level in state.levels.entries()
            if isinstance(key, LevelKey) and key.scope in self._shared
        ]

    def _is_news(self, state: RateState) -> bool:
        """Whether somebody calls of whom the platform, which answers, does not know."""
        return not self._away and any(
            level.came > 0 and key not in self._demands for key, level in self._levels(state)
        )

    def _end_leases(self, state: RateState, now: float) -> None:
        """What is above the equal part falls back to it; what is below rises a period later, when
        the others have fallen back."""
        if now < self._ends:
            return
        for key, level in self._levels(state):
            equal = state.shares.of(self._shared[key.scope].clusters).part
            if level.part > equal or now >= self._ends + self._again:
                level.part = 0.0

    def _report(self, state: RateState, now: float) -> None:
        self._asked_at = now
        groups = self._groups(state, now)
        request = SharesRequest(
            self._identity.psm,
            self._identity.instance,
            f"{self._identity.instance}/{os.getpid()}",
            [
                SharedLimits(_text(clusters), _peers(state, clusters), [each.limit for each in its])
                for clusters, its in groups.items()
            ],
        )
        try:
            reply = self._ask(request)
            if [*map(len, reply.parts)] != [len(each.limits) for each in request.groups]:
                raise StoreError("the platform answered other limits than it was asked about")
        except StoreError as error:
            if not self._away:
                _log.info("this process admits its equal parts of shared limits: %s", error)
            self._away = True
            return
        self._away = False
        self._ends, self._again = now + reply.lasts, max(reply.again, LOOK_S)
        for its, parts in zip(groups.values(), reply.parts, strict=True):
            for each, part in zip(its, parts, strict=True):
                each.level.part = min(max(part, 0.0), 1.0)

    def _groups(self, state: RateState, now: float) -> dict[Pattern, list[_Asked]]:
        """What to report by clusters: the limits that are asked for most."""
        shared = self._shared
        found: dict[Pattern, list[_Asked]] = {
            each.clusters: []
            for each in sorted(shared.values(), key=lambda each: _text(each.clusters))
            if len(_text(each.clusters)) <= MAX_CLUSTERS
        }
        found = dict(list(found.items())[:MAX_GROUPS])
        demands, self._demands = self._demands, {}
        for key, level in self._levels(state):
            rule = shared.get(key.scope)
            if rule is None or rule.clusters not in found:
                continue
            demand = demands.get(key) or _Demand(now)
            demand.see(level.came, rule.qps, now)
            self._demands[key] = demand
            if demand.wants < _LEAST:
                level.part = 0.0
            else:
                limit = SharedLimit(_name(key), demand.wants, level.part)
                found[rule.clusters].append(_Asked(level, limit))
        for its in found.values():
            its.sort(key=lambda each: -each.limit.wants)
            for left_out in its[MAX_LIMITS:]:
                left_out.level.part = 0.0
            del its[MAX_LIMITS:]
        return found


def _name(key: LevelKey) -> str:
    return blake2b("\n".join(key).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _text(clusters: Pattern) -> str:
    return clusters if isinstance(clusters, str) else "|".join(sorted(clusters))


def _peers(state: RateState, clusters: Pattern) -> int:
    return round(1 / state.shares.of(clusters).part)
