"""What the page of a service's governance answers, and what people send to it."""

from dataclasses import dataclass, field
from typing import Any

from pie.govern import Side
from pie.platform.govern.check import RuleProblem
from pie.platform.govern.diff import RulesDiff
from pie.platform.govern.effect import RuleEffect, ScopeEffect
from pie.platform.govern.in_force import InForce
from pie.platform.govern.kinds import Predictable
from pie.platform.govern.preview import RulesPreview


@dataclass(slots=True)
class RuleText:
    """One rule: for which calls, and what it says. Values may be texts such as `2s` or `10%`."""

    scope: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class RuleRollout:
    """How far a version has come that goes step by step.

    ``instances`` and ``percent`` of all others run it; the rest runs ``previous_version``.
    ``pause_s`` is how long a step lasts at least; ``expected`` the percentage of calls that it is
    meant to reject; ``stopped`` is why it was stopped: then nobody runs it. ``waits`` is what it
    waits for.
    """

    instances: list[str]
    percent: float
    step: int
    began: float
    pause_s: float
    expected: float
    stopped: str
    previous_version: int
    waits: str


@dataclass(slots=True)
class RuleFreeze:
    """Nobody publishes: who said so, when (Unix seconds), why."""

    by: str
    at: float
    reason: str


@dataclass(slots=True)
class RuleSetHead:
    """One rule set in a list; version 0 = nobody has published one, the defaults hold.

    ``summary`` are its rules in a line. ``unreadable`` is why this platform cannot read it.
    """

    psm: str
    side: Side
    kind: str
    help: str
    rejects: bool
    preview: Predictable
    version: int
    rules: int
    summary: str
    author: str
    at: float
    comment: str
    rollout: RuleRollout | None
    in_force: InForce
    effect: RuleEffect
    unreadable: str = ""


@dataclass(slots=True)
class RuleSetList:
    """All kinds and sides of one service, published or not, in the order of a call's way.

    ``may_publish``: whether who asks is an owner of the service.
    """

    now: float
    psm: str
    user: str
    may_publish: bool
    owners: list[str]
    instances: int
    frozen: RuleFreeze | None
    sets: list[RuleSetHead]


@dataclass(slots=True)
class FleetRules:
    """Every published rule set of the fleet."""

    now: float
    frozen: RuleFreeze | None
    sets: list[RuleSetHead]


@dataclass(slots=True)
class RuleSetDetail:
    """One rule set: its head, its rules, the same as YAML, and as YAML that explains itself."""

    head: RuleSetHead
    rules: list[RuleText]
    yaml: str
    editor: str
    scopes: list[ScopeEffect]
    frozen: RuleFreeze | None
    may_publish: bool


@dataclass(slots=True)
class RulesPost:
    """Rules that are to be checked: as JSON (`rules`) or as YAML (`yaml`).

    ``seen`` is the version that they were made from; None = the one in the YAML, else the one that
    stands now.
    """

    rules: list[RuleText] | None = None
    yaml: str | None = None
    seen: int | None = None
    preview: bool = True


@dataclass(slots=True)
class RuleClash:
    """Somebody published since: who, when, why; and what they changed since the version seen."""

    version: int
    seen: int
    author: str
    at: float
    comment: str
    yaml: str
    theirs: RulesDiff


@dataclass(slots=True)
class RuleCheck:
    """What was found of rules: errors (then they cannot be published), warnings, what changes, what
    they would have done. ``rules`` and ``yaml`` are both forms of what was sent; with errors in the
    form of YAML, only ``errors``. ``stepped``: published without ``now``, they go to one instance,
    then to more, then to all.
    """

    version: int
    seen: int
    rules: list[RuleText]
    yaml: str
    errors: list[RuleProblem]
    warnings: list[RuleProblem]
    diff: RulesDiff | None
    preview: RulesPreview | None
    clash: RuleClash | None
    comment_needed: bool
    stepped: bool


@dataclass(slots=True)
class RulesPut:
    """Rules to be published on the version ``seen``, with the reason.

    ``now``: on every instance at once, also where the kind goes step by step otherwise.
    """

    rules: list[RuleText] | None = None
    yaml: str | None = None
    seen: int | None = None
    comment: str = ""
    now: bool = False


@dataclass(slots=True)
class RulesRollback:
    """Publish the rules of version ``to`` anew, on the version ``seen``."""

    to: int
    seen: int
    comment: str = ""
    now: bool = False


@dataclass(slots=True)
class RuleVersion:
    """One published version: who, when, why, and what it changed.

    ``state``: ``in_force``, ``rolling``, ``stopped``, or empty.
    """

    version: int
    author: str
    at: float
    comment: str
    summary: str
    state: str
    rules: int
    diff: RulesDiff


@dataclass(slots=True)
class RuleHistory:
    """The versions of a rule set that are kept, the newest first."""

    psm: str
    side: Side
    kind: str
    versions: list[RuleVersion]


@dataclass(slots=True)
class ReasonPost:
    """Why somebody does something to the whole fleet."""

    reason: str


@dataclass(slots=True)
class FreezeState:
    """Whether rules are frozen."""

    frozen: RuleFreeze | None


@dataclass(slots=True)
class ConflictBody:
    """An error, and for a conflict what somebody else published meanwhile."""

    code: int
    kind: str
    message: str
    reason: str = ""
    parts: dict[str, str] = field(default_factory=dict)
    clash: RuleClash | None = None
    problems: list[RuleProblem] = field(default_factory=list)


@dataclass(slots=True)
class ConflictAnswer:
    """The form of errors of publishing."""

    error: ConflictBody


@dataclass(slots=True)
class DrainPost:
    """What is drained: a host as it registered, an instance by its id or `host:port`; and why."""

    target: str
    reason: str = ""


@dataclass(slots=True)
class StillCalling:
    """A caller that still calls a drained instance, in calls a second over the last minute."""

    caller: str
    qps: float


@dataclass(slots=True)
class DrainedInstance:
    """An instance, and what came to it in the last minute; ``last`` is when (Unix seconds)."""

    instance: str
    address: str
    cluster: str
    qps: float
    last: float
    callers: list[StillCalling]


@dataclass(slots=True)
class DrainedService:
    """The instances of one service that a drain is about; ``refused`` is why it was not changed."""

    psm: str
    drained: bool
    version: int
    refused: str
    instances: list[DrainedInstance]


@dataclass(slots=True)
class DrainAnswer:
    """What a drain is about, service by service; ``calls_known`` is false while calls cannot be
    read."""

    now: float
    target: str
    is_host: bool
    calls_known: bool
    services: list[DrainedService]


@dataclass(slots=True)
class DrainName:
    """One drained host or instance of a service, and who last changed the service's drains."""

    psm: str
    part: str
    name: str
    author: str
    at: float
    comment: str


@dataclass(slots=True)
class DrainList:
    """All drains."""

    now: float
    drains: list[DrainName]


@dataclass(slots=True)
class RuleVersionDetail:
    """One published version: its rules, and what would change if it were published anew."""

    version: int
    author: str
    at: float
    comment: str
    rules: list[RuleText]
    yaml: str
    against_now: RulesDiff
