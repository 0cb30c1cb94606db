"""The level of a rate: how full a bucket is, and how warm. Twin: ``rate_gate.c``.

*Meter.* A leaky bucket (Turner, "New directions in communications", 1986; ITU-T I.371). The level,
in calls, rises by one with each call that is admitted and falls by the rate. A call is one too many
when it would raise the level above the rate times the burst (above one call at least). So the
average never exceeds the rate, and what is saved up in quiet time is never more than the burst.

*Warm-up* (Guava's ``SmoothWarmingUp``; Sentinel's ``WarmUpController``, from whom the factor 3 and
the step of a second are). A store holds up to ``most`` tokens, and the fuller it is, the colder is
who is called: above ``warning`` tokens the rate is ``1 / ((stored - warning) · slope + 1 / qps)``,
which is a third of ``qps`` at ``most``; up to ``warning`` it is ``qps``. Once a second the store
loses what was admitted; then it gains ``qps`` a second, up to ``most`` if less than a third of
``qps`` was asked for, else up to ``warning``. So it falls from ``most`` to ``warning`` in the time
of the warm-up under full load, and rises again in half of that time when it is quiet. (Sentinel
looks at what was admitted, which rounding may keep below a third and an instance cold for ever, and
goes above ``warning`` under load.)
"""

from typing import TYPE_CHECKING, Final, NamedTuple

from pie._core import native

COLD_FACTOR: Final = 3.0
"""A cold instance admits this part of its rate."""
_SYNC_S: Final = 1.0


class Limit(NamedTuple):
    """What a level is measured by.

    Attributes:
        qps: calls a second, once warm.
        burst: seconds.
        most, warning: tokens of the store; 0 = no warm-up.
        slope: seconds for each call by token.
        cold: calls a second that keep the store from filling.
    """

    qps: float
    burst: float
    most: float
    warning: float
    slope: float
    cold: float


def limit(qps: float, burst: float, warm_up: float) -> Limit:
    """The limit of a rate in calls a second, a burst and a warm-up in seconds."""
    cold = qps / COLD_FACTOR
    if warm_up <= 0:
        return Limit(qps, burst, 0.0, 0.0, 0.0, cold)
    warning = warm_up * qps / (COLD_FACTOR - 1)
    most = warning + 2 * warm_up * qps / (1 + COLD_FACTOR)
    return Limit(qps, burst, most, warning, (COLD_FACTOR - 1) / qps / (most - warning), cold)


class LevelFields:
    """What a level holds: the twin of ``native.LevelFields``."""

    __slots__ = (
        *("asked", "at", "calls", "came", "empty", "gone", "part", "passed", "rate", "stored"),
        "synced",
    )

    def __init__(self) -> None:
        self.calls = self.at = self.rate = self.empty = self.synced = self.passed = 0.0
        self.asked = self.came = self.part = 0.0
        self.stored = -1.0
        self.gone = False


Fields = LevelFields
if not TYPE_CHECKING and native is not None:
    Fields = native.LevelFields


class Level(Fields):
    """What one bucket remembers. Times are monotonic seconds.

    Attributes:
        calls: the level at the time ``at``.
        at: when it was last asked; 0 = never.
        rate: calls a second that it fell by then.
        empty: when it remembers nothing that matters, if no call is admitted.
        stored: tokens of the store at ``synced``; below 0 = none were counted yet.
        asked, passed: calls that came, and that were admitted, since ``synced``.
        came: calls that ever came, for who reads how many more there are.
        part: this instance's part of a limit of its service, by demand; 0 = its equal part.
        gone: it is in no table any more.
    """

    __slots__ = ()

    def fall(self, by: Limit, now: float) -> None:
        """A call comes: let the level fall until now."""
        self.rate = by.qps if by.most == 0 else self._warm_rate(by, now)
        self.calls = max(0.0, self.calls - (now - self.at) * self.rate)
        self.at = now
        self.asked += 1
        self.came += 1

    def is_full(self, by: Limit) -> bool:
        """Whether one more call, after ``fall``, is one too many."""
        return self.calls + 1 > max(1.0, self.rate * by.burst)

    def rise(self, by: Limit) -> None:
        """One call is admitted."""
        self.calls += 1
        self.passed += 1
        self.empty = self.at + (self.calls + by.most) / by.qps

    def _warm_rate(self, by: Limit, now: float) -> float:
        if self.stored < 0:
            # Who was called before there was a warm-up is warm.
            self.stored, self.synced = (by.most if self.at == 0 else 0.0), now
        elapsed = now - self.synced
        if elapsed >= _SYNC_S:
            left = max(0.0, self.stored - self.passed)
            top = by.most if self.asked < elapsed * by.cold else by.warning
            self.stored = min(by.most, max(left, min(top, left + elapsed * by.qps)))
            self.synced, self.asked, self.passed = now, 0.0, 0.0
        above = self.stored - by.warning
        return 1 / (above * by.slope + 1 / by.qps) if above > 0 else by.qps
