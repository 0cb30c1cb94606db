"""The steps of a roll-out: one instance, a tenth of them, all. Pure."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from pie.platform.govern.evidence import FEW_CALLS, Evidence, worse
from pie.state.rules.document import Rollout, RuleDocument, share

SECOND_STEP: Final = 10.0
"""Percent."""
_PATIENCE: Final = 10
"""So many pauses a step lasts at most for want of calls to judge by."""


class Reported(NamedTuple):
    """What an instance reported last: the version it runs, and why not another."""

    version: int
    trouble: str


class Found(NamedTuple):
    """What is known of a roll-out.

    Attributes:
        targets: the instances that the rules are for.
        reports: of these, by instance.
        evidence: since the step began.
    """

    targets: Collection[str]
    reports: Mapping[str, Reported]
    evidence: Evidence


class Decision(NamedTuple):
    """What becomes of a roll-out.

    Attributes:
        acts: whether something is to be done.
        rollout: then, its next state; None = it is complete.
        reason: why, for people.
    """

    acts: bool
    rollout: Rollout | None
    reason: str


def decide(document: RuleDocument, found: Found, elapsed: float, now: float) -> Decision:
    """The next step, or what it waits for.

    Args:
        document: that is rolled out.
        found: what is known.
        elapsed: seconds since the step began, by a clock that nobody sets.
        now: Unix seconds, for people.
    """
    rollout = document.rollout
    assert rollout is not None
    if not found.targets:
        return Decision(True, None, "no instance that it could be tried on is known")
    chosen = [each for each in found.targets if rollout.chooses(document.key, each)]
    decision = (
        _begin(document, rollout, found, chosen)
        or _stop(document, rollout, found, chosen)
        or _wait(document, rollout, found, chosen, elapsed)
        or _go_on(document, rollout, found, chosen)
    )
    if decision.rollout is None:
        return decision
    return decision._replace(rollout=msgspec.structs.replace(decision.rollout, began=now))


def _begin(
    document: RuleDocument, rollout: Rollout, found: Found, chosen: Sequence[str]
) -> Decision | None:
    """The first step, and again when the instance that was chosen has ended."""
    if rollout.step == 0 and (chosen or rollout.percent):
        whose = f"{rollout.percent:g} % of the instances" if rollout.percent else _names(chosen)
        return Decision(True, msgspec.structs.replace(rollout, step=1), f"{whose} begin")
    if chosen or rollout.percent:
        return None
    first = min(found.targets, key=lambda each: share(document.key, each))
    gone = f"{_names(rollout.instances)} ended; " if rollout.instances else ""
    first_step = msgspec.structs.replace(rollout, instances=(first,), step=1)
    return Decision(True, first_step, f"{gone}{first} begins")


def _stop(
    document: RuleDocument, rollout: Rollout, found: Found, chosen: Sequence[str]
) -> Decision | None:
    why = worse(found.evidence, rollout.expected)
    for instance in chosen:
        report = found.reports.get(instance)
        if report is not None and report.trouble.startswith(f"v{document.version}:"):
            why = f"{instance} cannot apply it: {report.trouble}"
    return Decision(True, msgspec.structs.replace(rollout, stopped=why), why) if why else None


def _wait(
    document: RuleDocument,
    rollout: Rollout,
    found: Found,
    chosen: Sequence[str],
    elapsed: float,
) -> Decision | None:
    calls = found.evidence.since.calls
    running = [found.reports[each].version for each in chosen if each in found.reports]
    why = ""
    if elapsed < rollout.pause_s:
        why = f"step {rollout.step} lasts {rollout.pause_s:g} s"
    elif chosen and document.version not in running:
        why = f"{_names(chosen)} did not report yet to run v{document.version}"
    elif calls < FEW_CALLS and elapsed < _PATIENCE * rollout.pause_s:
        why = f"there were fewer than {FEW_CALLS} calls to judge by yet"
    return Decision(False, None, why) if why else None


def _go_on(
    document: RuleDocument, rollout: Rollout, found: Found, chosen: Sequence[str]
) -> Decision:
    seen = f"{found.evidence.since} calls failed or were rejected"
    further = msgspec.structs.replace(rollout, percent=SECOND_STEP, step=2)
    more = [each for each in found.targets if further.chooses(document.key, each)]
    if rollout.percent < SECOND_STEP and len(more) > len(chosen):
        return Decision(True, further, f"{seen}: {SECOND_STEP:g} % of the instances follow")
    return Decision(True, None, f"{seen}: all instances follow")


def _names(instances: Collection[str]) -> str:
    shown = ", ".join(sorted(instances)[:3])
    return shown if len(instances) <= 3 else f"{shown} and {len(instances) - 3} more"
