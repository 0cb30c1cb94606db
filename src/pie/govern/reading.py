"""Rule sets as people write them: read, and every mistake said by rule and field. Pure.

A newer Pie may know kinds and fields that this one does not. Such a set is refused as a whole,
never applied in part: half of a decision is another decision.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from pie.govern.fields import describe
from pie.govern.rule import SIDES, Rule
from pie.govern.rules import MAX_RULES, Key, RuleError, RuleSet
from pie.govern.scope import Scope, Subject
from pie.model import PSM

MAX_PROBLEMS: Final = 50
"""Problems of one set that are said."""
_NEWER: Final = "; if a newer Pie wrote it, update this one"


class _WrittenSet(msgspec.Struct, forbid_unknown_fields=True):
    kind: str
    psm: str
    side: str
    version: int
    rules: list[Any]


def parse(text: str | bytes, kinds: Mapping[str, type[Rule]]) -> RuleSet[Any]:
    """Read a rule set from JSON: ``{kind, psm, side, version, rules: [{scope, body}]}``.

    Args:
        text: the JSON.
        kinds: the type of rule for each kind (``pie.govern.KINDS``).

    Raises:
        RuleError: it cannot be applied; the message names rule and field.
    """
    try:
        written = msgspec.json.decode(text, type=_WrittenSet)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RuleError(f"a rule set cannot be read: {error}") from None
    if written.side not in SIDES:
        raise RuleError(f"{written.side!r} is not one of {', '.join(SIDES)}", field="side")
    key = Key(written.kind, written.psm, written.side)
    return read_rules(key, written.version, written.rules, kinds)


def read_rules(
    key: Key, version: int, written: Sequence[Any], kinds: Mapping[str, type[Rule]]
) -> RuleSet[Any]:
    """The rule set of these rules: ``[{scope: {…}, body: {…}}, …]``, as JSON is decoded.

    Raises:
        RuleError: the first problem.
    """
    rules: list[tuple[Scope, Rule]] = []
    for problem in _read(key, version, written, kinds, rules):
        raise problem
    return RuleSet(kinds[key.kind], key.psm, key.side, version, rules)


def problems(key: Key, written: Sequence[Any], kinds: Mapping[str, type[Rule]]) -> list[RuleError]:
    """Everything that is wrong with rules as they are written, ``MAX_PROBLEMS`` at most; none =
    they can be published."""
    rules: list[tuple[Scope, Rule]] = []
    found: list[RuleError] = []
    for problem in _read(key, 1, written, kinds, rules):
        found.append(problem)
        if len(found) == MAX_PROBLEMS:
            return found
    if not found:
        try:
            RuleSet(kinds[key.kind], key.psm, key.side, 1, rules)
        except RuleError as error:
            found.append(error)
    return found


def _read(
    key: Key,
    version: int,
    written: Sequence[Any],
    kinds: Mapping[str, type[Rule]],
    rules: list[tuple[Scope, Rule]],
) -> Iterator[RuleError]:
    """Read into ``rules``; yields what is wrong."""
    kind = kinds.get(key.kind)
    if kind is None:
        known = ", ".join(sorted(kinds))
        yield RuleError(f"{key.kind[:200]!r} is not one of {known}{_NEWER}", field="kind")
        return
    if key.side not in kind.sides:
        sides = " or ".join(kind.sides)
        yield RuleError(f"rules of kind {key.kind} are for {sides}, not {key.side}", field="side")
    try:
        PSM.parse(key.psm)
    except ValueError as error:
        yield RuleError(str(error), field="psm")
    if version < 1:
        yield RuleError(f"{version} is not above 0", field="version")
    if len(written) > MAX_RULES:
        yield RuleError(f"{len(written)} are more than {MAX_RULES}", field="rules")
        return
    for number, each in enumerate(written):
        scope, body = None, None
        if not isinstance(each, Mapping) or not {"scope", "body"} >= each.keys():
            problem = f"{_short(each)} is not {{scope: {{…}}, body: {{…}}}}"
            yield RuleError(problem, number=number)
            continue
        try:
            scope = msgspec.convert(each.get("scope", {}), Scope)
        except msgspec.ValidationError as error:
            yield _scope_error(number, each["scope"], str(error))
        try:
            body = msgspec.convert(each.get("body", {}), kind)
        except msgspec.ValidationError as error:
            yield _body_error(number, kind, each["body"], str(error))
        if scope is not None and body is not None:
            rules.append((scope, body))


def _scope_error(number: int, scope: Any, text: str) -> RuleError:
    fields = ", ".join(Subject._fields)
    unknown = _unknown(text)
    if unknown:
        problem = f"a scope has no field {unknown}; it has {fields}{_NEWER}"
        return RuleError(problem, number=number, field="scope")
    name, _, rest = text.partition(": ")
    if name in Subject._fields:
        return RuleError(rest, number=number, field=f"scope.{name}")
    name = _path(text)
    if name and isinstance(scope, Mapping):
        problem = (
            f"{_short(scope.get(name))} is no pattern: write a name, a list of names, or prefix*"
        )
        return RuleError(problem, number=number, field=f"scope.{name}")
    return RuleError(f"{_short(scope)} is no scope: {text}", number=number, field="scope")


def _body_error(number: int, kind: type[Rule], body: Any, text: str) -> RuleError:
    fields = {field.name: field for field in describe(kind)}
    unknown = _unknown(text)
    if unknown:
        problem = f"a rule of kind {kind.kind} has no field {unknown}; it has {', '.join(fields)}"
        return RuleError(problem + _NEWER, number=number, field="body")
    name, _, rest = text.partition(": ")
    if name in fields:
        return RuleError(rest, number=number, field=f"body.{name}")
    name = _path(text)
    if name in fields and isinstance(body, Mapping):
        problem = f"{_short(body.get(name))} is not {fields[name].expects}"
        return RuleError(problem, number=number, field=f"body.{name}")
    return RuleError(f"{_short(body)} is no rule: {text}", number=number, field="body")


def _unknown(text: str) -> str:
    """The field that msgspec says is unknown."""
    found = re.match(r"Object contains unknown field (`.*?`)", text, re.DOTALL)
    return found[1][:200] if found else ""


def _path(text: str) -> str:
    """The field of the first level that msgspec's message is about."""
    found = re.search(r"at `(?:key in )?\$\.(\w+)", text)
    return found[1] if found else ""


def _short(value: Any) -> str:
    return msgspec.json.encode(value).decode(errors="replace")[:200]
