"""A rule set as the store holds it, and where.

One key holds the rules in force of one kind, PSM and side; its history holds the newest versions.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from pie.govern import KINDS, SIDES, Key, Rule, RuleSet, Side, read_rules
from pie.model import PSM
from pie.state.registry.instances import PREFIX

MAX_DOCUMENT = 256 << 10
"""Bytes of one key."""
KEPT_VERSIONS = 50
HISTORY_PREFIX = "/pie/history/rules/"
ROLLOUTS = "/pie/rollouts/"
"""A key for each rule set whose version is on its way: so that the platform finds them."""
PAUSE_S = 60.0


class WrittenRule(msgspec.Struct, frozen=True):
    """A rule as its author wrote it."""

    scope: dict[str, Any]
    body: dict[str, Any]


class Rollout(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a version has come that goes step by step.

    An instance runs the version when it is named or its share is below the percentage; the others
    run ``previous`` of the document. It begins with none of both: the platform names an instance.

    Attributes:
        instances: that run it whatever their share is.
        percent: of all instances, 0 to 100.
        step: how many steps were taken.
        began: of the step, Unix seconds.
        pause_s: seconds that a step lasts at least.
        expected: the share of calls, in percent, that the version is meant to reject, by a preview:
            the roll-out is not stopped for it.
        stopped: why it was stopped: since then every instance runs what it ran before.
    """

    instances: tuple[str, ...] = ()
    percent: float = 0.0
    step: int = 0
    began: float = 0.0
    pause_s: float = PAUSE_S
    expected: float = 0.0
    stopped: str = ""

    def __post_init__(self) -> None:
        for name in ("percent", "expected"):
            if not 0 <= getattr(self, name) <= 100:
                raise ValueError(f"{name}: {getattr(self, name)} is not in 0 to 100")
        if not 0 <= self.pause_s <= 86_400:
            raise ValueError(f"pause_s: {self.pause_s} is not in 0 to 86400 (s)")

    def chooses(self, key: Key, instance: str) -> bool:
        """Whether an instance runs the version."""
        if self.stopped:
            return False
        return instance in self.instances or share(key, instance) < self.percent


class RuleDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All rules of one kind, PSM and side, at one version.

    Attributes:
        version: 1 at least, one more with each publishing.
        author: who published it.
        at: when, Unix seconds.
        comment: why, in the author's words.
        rollout: None once every instance runs it.
        previous: while rolling out, the rules that the other instances run; None = no rules.
        previous_version: of these; 0 = no rules.
    """

    kind: str
    psm: str
    side: Side
    version: int
    rules: tuple[WrittenRule, ...]
    author: str = ""
    at: float = 0.0
    comment: str = ""
    rollout: Rollout | None = None
    previous: tuple[WrittenRule, ...] | None = None
    previous_version: int = 0

    @property
    def key(self) -> Key:
        """Which rule set it is."""
        return Key(self.kind, self.psm, self.side)

    def for_instance(self, instance: str) -> tuple[int, tuple[WrittenRule, ...]]:
        """Version and rules that an instance runs; version 0 = it runs no rules."""
        if self.rollout is None or self.rollout.chooses(self.key, instance):
            return self.version, self.rules
        return self.previous_version, self.previous or ()


def share(key: Key, instance: str) -> float:
    """Of an instance in the roll-outs of a rule set: 0 up to 100, the same at every version."""
    text = "\0".join((key.kind, key.psm, key.side, instance)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest()) / 2**64 * 100


def rules_prefix(psm: str) -> str:
    """Where the rules are that the owner of a service publishes. Raises ValueError: no PSM."""
    return f"{PREFIX}{PSM.parse(psm)}/rules/"


def callers_prefix(psm: str) -> str:
    """Where the rules are that the owner of a service publishes for its callers."""
    return f"{rules_prefix(psm)}callers/"


def rules_key(key: Key) -> str:
    """Where the rule set is. Raises ValueError: the kind, PSM or side is none."""
    kind = KINDS.get(key.kind)
    if kind is None:
        raise ValueError(f"kind: {key.kind[:100]!r} is not one of {', '.join(sorted(KINDS))}")
    if key.side not in kind.sides:
        raise ValueError(
            f"side: rules of kind {key.kind} are for {' or '.join(kind.sides)}, not "
            f"{key.side[:100]!r}"
        )
    return f"{rules_prefix(key.psm)}{key.side}/{key.kind}"


def key_of(text: str) -> Key | None:
    """The rule set of a key of the store, also of a kind that this Pie does not know; None for the
    key of something else."""
    parts = text.removeprefix(PREFIX).split("/")
    if not text.startswith(PREFIX) or len(parts) != 4 or parts[1] != "rules":
        return None
    return _key(parts[0], parts[2], parts[3])


def rolling_key_of(text: str) -> Key | None:
    """The rule set of a key of `rollout_key`."""
    parts = text.removeprefix(ROLLOUTS).split("/")
    return _key(*parts) if text.startswith(ROLLOUTS) and len(parts) == 3 else None


def _key(psm: str, side: str, kind: str) -> Key | None:
    for known in SIDES:
        if known == side:
            return Key(kind, psm, known)
    return None


def goes_by_steps(kind: str) -> bool:
    """Whether rules of a kind can reject calls: those have a dry run, and go step by step unless
    their publisher says otherwise."""
    known = KINDS.get(kind)
    return known is not None and "dry_run" in known.__struct_fields__


def rollouts_prefix(psm: str) -> str:
    """Where the roll-outs of a service are."""
    return f"{ROLLOUTS}{PSM.parse(psm)}/"


def rollout_key(key: Key) -> str:
    """What stands in the store while a version of the rule set is on its way; its value says what
    the roll-out waits for."""
    return f"{rollouts_prefix(key.psm)}{key.side}/{key.kind}"


def history_prefix(key: Key) -> str:
    """Where the versions of a rule set are."""
    return f"{HISTORY_PREFIX}{PSM.parse(key.psm)}/{key.side}/{key.kind}/"


def version_of(key: str) -> int:
    """The version in a key of `history_key`; 0 for a key that a hand made."""
    text = key.rpartition("/")[2]
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 12 else 0


def history_key(key: Key, version: int) -> str:
    """Where one version of a rule set is."""
    return f"{history_prefix(key)}{version:08d}"


def encode(document: RuleDocument) -> str:
    """As the store holds it."""
    return msgspec.json.encode(document).decode()


def decode(text: str) -> RuleDocument:
    """Fields that only a newer Pie knows are ignored. Raises ValueError: it is no document."""
    return msgspec.json.decode(text, type=RuleDocument)


def read_set(
    key: Key,
    version: int,
    rules: Sequence[WrittenRule],
    kinds: Mapping[str, type[Rule]] = KINDS,
) -> RuleSet[Any]:
    """The rule set, checked.

    Raises:
        RuleError: it cannot be applied; the message names rule and field.
    """
    return read_rules(key, version, msgspec.to_builtins(list(rules)), kinds)
