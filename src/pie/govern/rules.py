"""Rule sets: which rule of which version holds for a call. Pure.

A rule set is all rules of one kind, for one side of one service, at one version. Of the rules whose
scope matches a call, the one with the most specific scope (``pie.govern.scope``) holds whole. Of a
kind that says ``every`` all matching rules hold.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from pie.govern.index import Index
from pie.govern.rule import Rule, Side
from pie.govern.scope import Pattern, Scope, Subject
from pie.govern.verdicts import Tally

MAX_RULES: Final = 1000
"""Rules of one set."""
_MAX_ANSWERS: Final = 4096
"""Answers a set remembers; names of callers and methods come from the wire."""

R = TypeVar("R", bound=Rule)


class RuleError(ValueError):
    """A rule that cannot be applied. The message says what is wrong and where.

    Attributes:
        number: of the rule in its set as written, from 0; None = the set itself is wrong.
        field: of that rule (``body.qps``, ``scope.method``) or of the set (``side``).
    """

    def __init__(self, problem: str, *, number: int | None = None, field: str = "") -> None:
        rule = "" if number is None else f"rules[{number}]"
        where = ".".join(filter(None, (rule, field)))
        super().__init__(f"{where}: {problem}" if where else problem)
        self.problem = problem
        self.number = number
        self.field = field


class Key(NamedTuple):
    """Which rule set: of this kind, published for this side by the owner of this PSM."""

    kind: str
    psm: str
    side: Side


class Ruling(Generic[R]):
    """A rule in force. One object for as long as its set is.

    Attributes:
        rule: the values.
        key: of its set.
        version: of its set.
        number: of the rule in its set as written, from 0.
        scope: for which calls, and which part of what they do, as text; the same in each version
            that keeps the scope.
        name: kind, version and scope, for people: ``rate v7 method=Get``.
        tally: how calls went by it (``pie.govern.verdicts``).
    """

    __slots__ = ("_said", "key", "name", "number", "rule", "scope", "tally", "version")

    def __init__(self, rule: R, key: Key, version: int, number: int, scope: str) -> None:
        self.rule = rule
        self.key = key
        self.version = version
        self.number = number
        self.scope = scope
        self.name = f"{key.kind} v{version} {scope}".rstrip()
        self.tally = Tally(key, version, scope)
        self._said: dict[str, str] = {}

    def said(self, verdict: str) -> str:
        """A note for ``call.notes``: ``would reject: access v7 method=Get``. Always one object."""
        return self._said.setdefault(verdict, f"{verdict}: {self.name}")

    def __repr__(self) -> str:
        return f"<Ruling {self.name}>"


class RuleSet(Generic[R]):
    """All rules of one kind for one side of one service. Immutable.

    Args:
        kind: type of the rules.
        psm: the service whose owner publishes them: the caller of the side ``client``, else the
            callee.
        side: whose calls they are for.
        version: 1 at least; a later set of the same kind, PSM and side has a greater one.
        rules: with their scopes.

    Raises:
        RuleError: a scope has a field that its side does not have, two rules are for the same
            calls, or it is undecided which of two holds.
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
        self.key = Key(kind.kind, psm, side)
        numbered = [(scope, number, rule) for number, (scope, rule) in enumerate(rules)]
        for scope, number, _ in numbered:
            _check_side(side, scope, number)
        numbered.sort(key=lambda each: each[0].specificity, reverse=True)
        _check_scopes(kind, [(scope, number, rule.part) for scope, number, rule in numbered])
        self.scoped: tuple[tuple[Scope, Ruling[R]], ...] = tuple(
            (scope, Ruling(rule, self.key, version, number, f"{rule.part} {scope}".strip()))
            for scope, number, rule in numbered
        )
        """Scopes and rulings, the most specific scope first."""
        self._index = Index([scope for scope, _ in self.scoped])
        self._answers: dict[Subject, tuple[Ruling[R], ...]] = {}
        self._behind: RuleSet[R] | None = None

    @property
    def rules(self) -> tuple[Ruling[R], ...]:
        """The most specific scope first."""
        return tuple(ruling for _, ruling in self.scoped)

    def before(self, other: "RuleSet[R]") -> "RuleSet[R]":
        """A set of these rules, and of another's for calls that none of these is for.

        Of a kind that says ``every`` the rules of both hold.
        """
        made: RuleSet[R] = RuleSet.__new__(RuleSet)
        made.__dict__ |= self.__dict__ | {"_answers": {}, "_behind": other}
        return made

    def holding(self, subject: Subject) -> tuple[Ruling[R], ...]:
        """The rulings for a call, the most specific first: at most one, unless the kind says
        ``every``."""
        found = self._answers.get(subject)
        if found is None:
            found = self._found(subject)
            if len(self._answers) >= _MAX_ANSWERS:
                self._answers.clear()
            self._answers[subject] = found
        return found

    def _found(self, subject: Subject) -> tuple[Ruling[R], ...]:
        found = []
        for position in self._index.matching(subject):
            found.append(self.scoped[position][1])
            if not self.kind.every:
                break
        behind = () if self._behind is None else self._behind.holding(subject)
        return (*found, *behind) if self.kind.every else tuple(found) or behind


class RuleSource(Protocol):
    """Where a process has its rules from."""

    def rule_sets(self) -> Mapping[Key, RuleSet[Any]]:
        """All in force now."""
        ...

    def follow(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` after each change, on any thread."""
        ...

    def want(self, psm: str) -> None:
        """This process calls a service: its rules of the side ``callers`` are wanted from now on.

        May be called often for the same one. Must not wait.
        """
        ...


class NoRules:
    """A source without rules: a policy that needs one has no gate, others run on their defaults."""

    def rule_sets(self) -> Mapping[Key, RuleSet[Any]]:
        return {}

    def follow(self, changed: Callable[[], None]) -> None:
        pass

    def want(self, psm: str) -> None:
        pass


# --- what a set may not hold ---


def _check_side(side: Side, scope: Scope, number: int) -> None:
    if side != "client" and scope.callee != "*":
        problem = f"rules of the side {side} are for calls to their own service: leave it out"
        raise RuleError(problem, number=number, field="scope.callee")
    if side == "client" and scope.caller != "*":
        problem = "rules of the side client are for calls of their own service: leave it out"
        raise RuleError(problem, number=number, field="scope.caller")


def _check_scopes(kind: type[Rule], scopes: list[tuple[Scope, int, str]]) -> None:
    """``scopes`` is ordered: equally specific ones are neighbours."""
    seen: dict[str, int] = {}
    for scope, number, part in scopes:
        text = f"{part} {scope}".strip()
        if text in seen:
            problem = f"it is for the same calls as rules[{seen[text]}]: ({text or 'every call'})"
            raise RuleError(problem, number=number, field="scope")
        seen[text] = number
    if not kind.every:  # Names and prefixes that differ, and are equally specific, never overlap.
        _check_overlaps(scopes)


def _check_overlaps(scopes: list[tuple[Scope, int, str]]) -> None:
    """Two scopes with a set that are equally specific overlap only where they share a name of their
    first set, and all that is no set is the same: only such pairs are looked at."""
    seen: dict[tuple[object, ...], list[tuple[Scope, int]]] = {}
    for scope, number, _ in scopes:
        patterns = [_single(getattr(scope, field)) for field in Subject._fields]
        fixed = [each for each in patterns if isinstance(each, str)]
        for name in next((each for each in patterns if not isinstance(each, str)), ()):
            alike = seen.setdefault((scope.specificity, *fixed, name), [])
            for other, its in alike:
                if other.overlaps(scope):
                    raise RuleError(
                        f"it is undecided whether it or rules[{its}] holds for calls that are in "
                        f"both, {_say(scope)} and {_say(other)}: neither is more specific",
                        number=number,
                        field="scope",
                    )
            alike.append((scope, number))


def _single(pattern: Pattern) -> Pattern:
    """A set of one name is as specific as that name."""
    return next(iter(pattern)) if not isinstance(pattern, str) and len(pattern) == 1 else pattern


def _say(scope: Scope) -> str:
    return f"({str(scope) or 'every call'})"
