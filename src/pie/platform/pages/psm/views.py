"""The answers of PSM management. Times are Unix seconds; texts that were not given are empty."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import ConfigDict

from pie.platform.ask.ownership import OwnersFrom
from pie.platform.ask.registered import ServiceState

NameKind = Literal["product", "subsystem", "psm"]
Filter = Literal["", "mine", "unowned", "typo"]
Action = Literal["set", "claim"]


@dataclass(slots=True)
class PsmRow:
    """One PSM in the tree.

    ``calls`` are those it took part in within ``seen_days``; ``last_seen`` is 0 when there are
    none. ``like`` holds the known names for which this one may be a typing error. ``claimable``:
    nobody is declared or registered as its owner, and who asks may become it.
    """

    psm: str
    owners: list[str]
    owners_from: OwnersFrom
    description: str
    tier: int | None
    on_call: str
    version: int
    state: ServiceState
    last_seen: float
    calls: int
    claimable: bool
    mine: bool
    like: list[str]


@dataclass(slots=True)
class PsmCounts:
    """PSMs by what is known of them, filters left aside."""

    psms: int
    mine: int
    unowned: int
    typo: int


@dataclass(slots=True)
class SubsystemRow:
    """One subsystem, named ``product.subsystem``. ``owners`` are its own or its product's."""

    name: str
    owners: list[str]
    owners_from: OwnersFrom
    description: str
    version: int
    counts: PsmCounts
    psms: list[PsmRow]


@dataclass(slots=True)
class ProductRow:
    """One product; ``subsystems`` holds those with PSMs that the filter let through."""

    name: str
    owners: list[str]
    owners_from: OwnersFrom
    description: str
    version: int
    counts: PsmCounts
    subsystems: list[SubsystemRow]


@dataclass(slots=True)
class OtherName:
    """A name that calls carried and that is no PSM."""

    name: str
    last_seen: float
    calls: int


@dataclass(slots=True)
class PsmTree:
    """Who owns what, at ``now``.

    ``seen_known`` is False when the facts process is down or slow: names known from calls alone are
    missing then. ``shown`` PSMs passed the filter and are listed; ``more`` says that there are
    others beyond the limit.
    """

    now: float
    user: str
    seen_days: int
    seen_known: bool
    counts: PsmCounts
    shown: int
    more: bool
    products: list[ProductRow]
    others: list[OtherName]


@dataclass(slots=True)
class Declaration:
    """What people declared of a name. ``tier``: 0 is what everything depends on, 3 the least."""

    owners: list[str]
    description: str
    docs: str
    repository: str
    on_call: str
    tier: int | None


@dataclass(slots=True)
class DeclarationPut:
    """A whole new declaration. ``version`` is that of the one it replaces, 0 for the first;
    ``reason`` says why it changes, and stands in the history."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    version: int
    owners: list[str]
    description: str
    docs: str
    repository: str
    on_call: str
    tier: int | None
    reason: str = ""


@dataclass(slots=True)
class ClaimPost:
    """A claim; ``reason`` says why the person owns it, and stands in the history."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    reason: str = ""


@dataclass(slots=True)
class FieldChange:
    """One field before and after, as text."""

    field: str
    old: str
    new: str


@dataclass(slots=True)
class PsmChange:
    """One change: who made it and when, the version it made, and the reason if one was given."""

    version: int
    at: float
    by: str
    action: Action
    changes: list[FieldChange]
    reason: str = ""


@dataclass(slots=True)
class PsmRegistered:
    """What the registry holds of a service."""

    state: ServiceState
    owners: list[str]
    language: str
    framework: str
    clusters: list[str]
    instances: int


@dataclass(slots=True)
class PsmSeen:
    """What calls of the last ``seen_days`` show of a PSM: the most frequent peers and hosts."""

    last_seen: float
    received: int
    made: int
    callers: list[str]
    callees: list[str]
    hosts: list[str]


@dataclass(slots=True)
class PsmLike:
    """The known PSMs, three at most, for which a name may be a typing error."""

    name: str
    like: list[str]


@dataclass(slots=True)
class PsmDetail:
    """Everything known of one product, subsystem or PSM; the newest change first.

    ``seen`` is null when no call names it, and when ``seen_known`` is False. ``older_changes``
    counts changes that are no longer kept. ``may_change``: who asks owns it, or what it belongs to,
    or is an admin.
    """

    name: str
    kind: NameKind
    version: int
    declared: Declaration
    owners: list[str]
    owners_from: OwnersFrom
    claimable: bool
    mine: bool
    may_change: bool
    like: list[str]
    seen_days: int
    seen_known: bool
    registered: PsmRegistered
    seen: PsmSeen | None
    history: list[PsmChange]
    older_changes: int
