"""The rule of route: shares of clusters, a shift, a canary, data centres, named instances."""

from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal

import msgspec
from msgspec import Meta

from pie.govern.rule import Rule, Side
from pie.model import USER

By = Literal["chain", "call", "user"]
MOST_NAMES: Final = 64


class RouteRule(Rule, frozen=True):
    """Where calls go, decided by the callee's owner for all its callers.

    The parts are applied in this order: named instances (which end the choice), shares of clusters,
    shift, canary, data centres. A part that would leave no instance is passed over, and the call
    says so.
    """

    kind: ClassVar[str] = "route"
    sides: ClassVar[tuple[Side, ...]] = ("callers",)

    clusters: Annotated[
        dict[str, Annotated[float, Meta(ge=0, le=1e6)]],
        Meta(
            max_length=MOST_NAMES,
            description="Share of each cluster in the calls, in proportion to the sum; empty = the "
            "cluster that a call asks for. Calls that ask for another cluster than default are "
            "left alone unless the scope names that cluster.",
            extra={"unit": "share"},
        ),
    ] = msgspec.field(default_factory=dict)
    shift_to: Annotated[
        str,
        Meta(
            max_length=128,
            description="Cluster to which calls move gradually; empty = no shift.",
        ),
    ] = ""
    shift_begins: Annotated[
        Annotated[datetime, Meta(tz=True)] | None,
        Meta(description="When the shift begins, by the clock of each caller's host."),
    ] = None
    shift_minutes: Annotated[
        float,
        Meta(
            gt=0,
            le=10_080,
            description="How long the shift takes; the share grows evenly.",
            extra={"unit": "min"},
        ),
    ] = 10.0
    shift_most: Annotated[
        float,
        Meta(
            ge=0,
            le=100,
            description="Share at which the shift ends. The platform lowers it to stop a shift.",
            extra={"unit": "%"},
        ),
    ] = 100.0
    canary: Annotated[
        str,
        Meta(
            max_length=128,
            description="Tag of the canary instances within the cluster, such as stage=canary; "
            "other calls go to instances without the tag. Empty = no canary.",
        ),
    ] = ""
    canary_percent: Annotated[
        float,
        Meta(
            ge=0,
            le=100,
            description="Share of the calls that goes to canary instances.",
            extra={"unit": "%"},
        ),
    ] = 0.0
    own_idc: Annotated[
        bool,
        Meta(description="Prefer instances in the caller's own data centre (setting IDC)."),
    ] = False
    spill_below: Annotated[
        float,
        Meta(
            gt=0,
            le=1,
            description="Of own_idc: the own data centre keeps all calls while its instances weigh "
            "at least this part of the average of all data centres; below, what is missing spills "
            "over to the others in proportion to the instances there.",
            extra={"unit": "of the average"},
        ),
    ] = 0.7
    idcs: Annotated[
        dict[str, Annotated[float, Meta(ge=0, le=1e6)]],
        Meta(
            max_length=MOST_NAMES,
            description="Share of each data centre in the calls, in proportion to the sum, "
            "wherever the caller is; empty = none is preferred.",
            extra={"unit": "share"},
        ),
    ] = msgspec.field(default_factory=dict)
    instances: Annotated[
        frozenset[str],
        Meta(
            max_length=MOST_NAMES,
            description="Only these instances, by id or host:port, whatever their cluster and "
            "lane; for as long as one of them is registered.",
        ),
    ] = frozenset()
    by: Annotated[
        By,
        Meta(
            description="What decides on which side of a share a call is: its chain (all calls of "
            "one logid go one way), each call by itself, or its user (the same user stays).",
        ),
    ] = "chain"
    user_key: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=128,
            description="Of by=user: the persisted key whose value names the user. Calls without "
            "it are decided by their chain.",
        ),
    ] = USER

    def __post_init__(self) -> None:
        for field in ("clusters", "idcs"):
            weights = getattr(self, field)
            if weights and not any(weights.values()):
                raise ValueError(f"{field}: all shares are 0; give one of them more")
        if self.shift_to and self.shift_begins is None:
            raise ValueError("shift_begins: a shift needs the time at which it begins")
        if self.canary_percent and not self.canary:
            raise ValueError("canary: canary_percent needs the tag of the canary instances")
        if self.own_idc and self.idcs:
            raise ValueError("idcs: choose own_idc or shares of data centres, not both")

    def shift_at(self, now: float) -> float:
        """The part, 0 to 1, of the calls that a shift has moved at a time (Unix seconds)."""
        if not self.shift_to or self.shift_begins is None:
            return 0.0
        passed = (now - self.shift_begins.timestamp()) / (self.shift_minutes * 60)
        return min(max(passed, 0.0), 1.0) * self.shift_most / 100
