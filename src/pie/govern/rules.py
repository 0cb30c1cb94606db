"""Rule sets: which rule of which version holds for a call. Pure.

A rule set is all rules of one kind for the calls of one service, seen from one side, at one
version. Of the rules whose scope matches a call, the one with the most specific scope
(``pie.govern.scope``) holds whole. Of a kind that says ``every`` all matching rules hold.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from pie.govern.rule import Rule, Side
from pie.govern.scope import Scope, Subject

MAX_RULES = 1000
"""Rules of one set."""
_MAX_ANSWERS = 4096
"""Answers a set remembers; names of callers and methods come from the wire."""

R = TypeVar("R", bound=Rule)


class RuleError(ValueError):
    """A rule that cannot be applied. The message names the field."""


class Ruling(NamedTuple, Generic[R]):
    """A rule in force.

    Attributes:
        rule: the values.
        scope: for which calls, as text; the same in each version that keeps the scope.
        name: kind, version and scope, for people: ``rate v7 method=Get``.
    """

    rule: R
    scope: str
    name: str


class RuleSet(Generic[R]):
    """All rules of one kind for the calls of one service, seen from one side. Immutable.

    Args:
        kind: type of the rules.
        psm: the callee.
        side: of the calls that the rules are for.
        version: 1 at least; a later set of the same kind, PSM and side has a greater one.
        rules: with their scopes.

    Raises:
        RuleError: two rules are for the same calls, or it is undecided which of two holds.
    """

    def __init__(
        self,
        kind: type[R],
        psm: str,
        side: Side,
        version: int,
        rules: Iterable[tuple[Scope, R]],
    ) -> None:
        self.kind = kind
        self.psm = psm
        self.side = side
        self.version = version
        ordered = sorted(rules, key=lambda each: each[0].specificity, reverse=True)
        _check_scopes(kind, [scope for scope, _ in ordered])
        self._rules = [
            (scope, Ruling(rule, str(scope), f"{kind.kind} v{version} {scope}".rstrip()))
            for scope, rule in ordered
        ]
        self._answers: dict[Subject, tuple[Ruling[R], ...]] = {}

    @property
    def rules(self) -> tuple[Ruling[R], ...]:
        """The most specific scope first."""
        return tuple(ruling for _, ruling in self._rules)

    def holding(self, subject: Subject) -> tuple[Ruling[R], ...]:
        """The rulings for a call: at most one, unless the kind says ``every``."""
        found = self._answers.get(subject)
        if found is None:
            found = tuple(ruling for scope, ruling in self._rules if scope.matches(subject))
            if not self.kind.every:
                found = found[:1]
            if len(self._answers) >= _MAX_ANSWERS:
                self._answers.clear()
            self._answers[subject] = found
        return found


class Key(NamedTuple):
    """Which rule set."""

    kind: str
    psm: str
    side: Side


class RuleSource(Protocol):
    """Where a process has its rules from."""

    def rule_sets(self) -> Mapping[Key, RuleSet[Any]]:
        """All in force now."""
        ...

    def follow(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` after each change, on any thread."""
        ...


class NoRules:
    """A source without rules: a policy that needs one has no gate, others run on their defaults."""

    def rule_sets(self) -> Mapping[Key, RuleSet[Any]]:
        return {}

    def follow(self, changed: Callable[[], None]) -> None:
        pass


# --- reading ---


class _Written(msgspec.Struct, forbid_unknown_fields=True):
    scope: Scope
    body: msgspec.Raw


class _WrittenSet(msgspec.Struct, forbid_unknown_fields=True):
    kind: str
    psm: str
    side: Side
    version: int
    rules: list[_Written]


def parse(text: str | bytes, kinds: Mapping[str, type[Rule]]) -> RuleSet[Any]:
    """Read a rule set from JSON: ``{kind, psm, side, version, rules: [{scope, body}]}``.

    Args:
        text: the JSON.
        kinds: the type of rule for each kind (``pie.govern.KINDS``).

    Raises:
        RuleError: it cannot be applied; the message names the field.
    """
    try:
        written = msgspec.json.decode(text, type=_WrittenSet)
    except msgspec.MsgspecError as error:
        raise RuleError(f"a rule set cannot be read: {error}") from None
    kind = kinds.get(written.kind)
    if kind is None:
        raise RuleError(f"kind: {written.kind!r} is not one of {', '.join(sorted(kinds))}")
    if written.side not in kind.sides:
        raise RuleError(f"side: rules of kind {written.kind} are for {' or '.join(kind.sides)}")
    if written.version < 1:
        raise RuleError(f"version: {written.version} is not above 0")
    if len(written.rules) > MAX_RULES:
        raise RuleError(f"rules: {len(written.rules)} are more than {MAX_RULES}")
    rules = [(each.scope, _body(kind, n, each.body)) for n, each in enumerate(written.rules)]
    return RuleSet(kind, written.psm, written.side, written.version, rules)


def _body(kind: type[R], number: int, body: msgspec.Raw) -> R:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        where = f"rules[{number}].body"
        text = str(error).replace("`$", f"`{where}")
        raise RuleError(text if where in text else f"{where}: {text}") from None


def _check_scopes(kind: type[Rule], scopes: list[Scope]) -> None:
    """``scopes`` is ordered: equally specific ones are neighbours."""
    seen: set[str] = set()
    for at, scope in enumerate(scopes):
        text = str(scope)
        if text in seen:
            raise RuleError(f"scope: two rules are for the same calls: {_say(scope)}")
        seen.add(text)
        if kind.every or not scope.has_set:
            continue  # Names and prefixes that differ, and are equally specific, never overlap.
        for other in scopes[at + 1 :]:
            if other.specificity != scope.specificity:
                break
            if scope.overlaps(other):
                raise RuleError(
                    "scope: it is undecided which of two rules holds for calls that are in both, "
                    f"{_say(scope)} and {_say(other)}: neither is more specific"
                )


def _say(scope: Scope) -> str:
    return f"({str(scope) or 'every call'})"
