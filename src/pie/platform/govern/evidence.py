"""Whether calls go worse on the instances that run a new version of rules. Pure.

The share of calls that failed or were rejected is compared with what it was on the same instances
before, and with what it is meanwhile on the others: a rise must show in both comparisons, so that
neither an outage of a whole fleet nor an instance that was bad before is blamed on the version.

Test: of the difference of two proportions, the lower bound of the adjusted Wald interval (Agresti,
Caffo, "Simple and effective confidence intervals for proportions and differences of proportions",
2000), one-sided at 0.05 %, must be above the share that the version is expected to reject plus one
percentage point. The level is strict because calls are not independent of each other: one broken
client makes many.
"""

import math
from typing import Final, NamedTuple

FEW_CALLS: Final = 20
"""With fewer, nothing is said about a share."""
_Z: Final = 3.29
_LEAST_RISE: Final = 0.01


class Calls(NamedTuple):
    """Calls of some instances in some time, and how many of them failed or were rejected."""

    calls: int = 0
    bad: int = 0

    def __str__(self) -> str:
        return f"{self.bad / self.calls:.1%} of {self.calls}" if self.calls else "no calls"


class Evidence(NamedTuple):
    """What edges say of a step.

    Attributes:
        before: the calls of the instances that run the version, in the ten minutes before.
        since: theirs since then.
        others: those of all other instances since then.
        by_version: calls that rules of the version rejected.
    """

    before: Calls = Calls()
    since: Calls = Calls()
    others: Calls = Calls()
    by_version: int = 0


def worse(found: Evidence, expected: float) -> str:
    """Why the version is to be stopped; empty if it is not.

    Args:
        found: since the step began.
        expected: the share of calls, in percent, that the version is meant to reject.
    """
    since, margin = found.since, expected / 100 + _LEAST_RISE
    if since.calls < FEW_CALLS:
        return ""
    known = [each for each in (found.before, found.others) if each.calls >= FEW_CALLS]
    if not all(_rise(since, each) > margin for each in known or [Calls()]):
        return ""
    before = f"{found.before} before" if found.before.calls else "with no calls before"
    others = f", {found.others} on other instances" if found.others.calls else ""
    rejected = f"; rules of this version rejected {found.by_version}" if found.by_version else ""
    return f"{since} calls failed or were rejected, {before}{others}{rejected}"


def _rise(since: Calls, reference: Calls) -> float:
    """The share rose by this at least; without a reference, from 0."""
    now, spread = _adjusted(since)
    if reference.calls:
        then, its = _adjusted(reference)
        now, spread = now - then, spread + its
    return now - _Z * math.sqrt(spread)


def _adjusted(counted: Calls) -> tuple[float, float]:
    """A proportion and its variance, as if one good and one bad call had been seen besides."""
    share = (counted.bad + 1) / (counted.calls + 2)
    return share, share * (1 - share) / (counted.calls + 2)
