"""What outcomes of calls mean to people: whose trouble each one is, in SQL."""

from typing import Literal

from pie.model import Kind

OutcomeClass = Literal["ok", "business", "rejected", "failed"]
"""``business``: the service's own non-zero code; ``rejected``: its 4xx kinds, the caller's doing;
``failed``: all others, the service's own, among them its codes that it declares as failures
(``business_failure``)."""

SERVED = frozenset({"ok", "business"})
"""Outcomes of calls that were served."""

REJECTED_KINDS = tuple(kind.value for kind in Kind if 400 <= kind.http_status < 500)


def _names(*outcomes: str) -> str:
    return "(" + ", ".join(f"'{outcome}'" for outcome in outcomes) + ")"


IS: dict[OutcomeClass, str] = {
    "ok": "outcome = 'ok'",
    "business": "outcome = 'business'",
    "rejected": f"outcome IN {_names(*REJECTED_KINDS)}",
    "failed": f"outcome NOT IN {_names('ok', 'business', *REJECTED_KINDS)}",
}
"""A condition on the column ``outcome`` for each class; every call is in exactly one."""

COUNTS = (
    f"sum(count) AS calls, sumIf(count, {IS['failed']}) AS failures, "
    f"sumIf(count, {IS['rejected']}) AS rejected, sumIf(count, {IS['business']}) AS business"
)
"""Columns of an aggregate over edges."""


def narrowed(outcome: str) -> str:
    """The condition of a class of outcomes; of an empty name, one that always holds."""
    return next((condition for name, condition in IS.items() if name == outcome), "1")
