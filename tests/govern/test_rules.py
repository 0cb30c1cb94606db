"""Rules: scopes, precedence against a naive model, refusals, and how a rule describes itself."""

import json
from datetime import datetime
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Meta

from pie.govern import (
    KINDS,
    MAX_RULES,
    NONE,
    Key,
    RateRule,
    RetryRule,
    Rule,
    RuleError,
    RuleSet,
    Scope,
    Side,
    Subject,
    TimeoutRule,
    describe,
    parse,
    problems,
)
from pie.model import Call

FIELDS = Subject._fields


def subject(**fields: str) -> Subject:
    return Subject(**{**dict.fromkeys(FIELDS, "x"), **fields})


def retries(*rules: tuple[Scope, int], version: int = 1) -> RuleSet[RetryRule]:
    bodies = [(scope, RetryRule(attempts=attempts)) for scope, attempts in rules]
    return RuleSet(RetryRule, "a.b.c", "client", version, bodies)


# --- precedence ---

names = st.sampled_from(["a", "ab", "abc", "b", "(none)"])
patterns = st.one_of(
    names,
    st.sampled_from(["*", "a*", "ab*", "b*"]),
    st.sets(names, min_size=1, max_size=3).map(frozenset),
)
scopes = st.builds(Scope, callee=patterns, method=patterns, caller_cluster=patterns, lane=patterns)
subjects = st.builds(Subject, **dict.fromkeys(FIELDS, st.one_of(names, st.just(""))))


def holds(pattern: Any, name: str) -> bool:
    name = name or "(none)"
    if isinstance(pattern, frozenset):
        return name in pattern
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else pattern == name


def better(one: Any, other: Any) -> bool | None:
    """Whether one pattern is more specific than another; None = neither is."""
    if isinstance(one, frozenset) and len(one) == 1:
        (one,) = one
    if isinstance(other, frozenset) and len(other) == 1:
        (other,) = other
    ranks = []
    for each in (one, other):
        if isinstance(each, frozenset):
            ranks.append((2, -len(each)))
        elif each.endswith("*"):
            ranks.append((1, len(each)))
        else:
            ranks.append((3, 0))
    return None if ranks[0] == ranks[1] else ranks[0] > ranks[1]


def wins(one: Scope, other: Scope) -> bool:
    for field in FIELDS:
        found = better(getattr(one, field), getattr(other, field))
        if found is not None:
            return found
    return False


@settings(max_examples=500, deadline=None)
@given(st.lists(scopes, max_size=6), subjects)
def test_the_most_specific_rule_holds_whole(found: list[Scope], who: Subject) -> None:
    try:
        rules = retries(*[(scope, number + 1) for number, scope in enumerate(found)])
    except RuleError:
        return
    matching = [
        number
        for number, scope in enumerate(found)
        if all(holds(getattr(scope, field), getattr(who, field)) for field in FIELDS)
    ]
    expected = [
        number
        for number in matching
        if all(wins(found[number], found[other]) for other in matching if other != number)
    ]
    assert len(expected) == min(1, len(matching)), "a set that is undecided was accepted"
    for _ in range(2):  # The second answer is a remembered one.
        assert [each.rule.attempts - 1 for each in rules.holding(who)] == expected


@settings(max_examples=300, deadline=None)
@given(st.lists(scopes, max_size=6, unique_by=str), subjects)
def test_of_a_kind_that_says_every_all_matching_rules_hold(
    found: list[Scope], who: Subject
) -> None:
    class EveryRule(RetryRule, frozen=True):
        every = True

    rules = RuleSet(EveryRule, "a.b.c", "client", 1, [(scope, EveryRule()) for scope in found])
    expected = {
        str(scope)
        for scope in found
        if all(holds(getattr(scope, field), getattr(who, field)) for field in FIELDS)
    }
    assert {each.scope for each in rules.holding(who)} == expected


def test_scopes_are_compared_from_left_to_right() -> None:
    rules = retries(
        (Scope(method="Get*"), 1), (Scope(caller_cluster="c", cluster="blue"), 2), (Scope(), 3)
    )
    who = subject(method="GetItem", caller_cluster="c", cluster="blue")
    assert rules.holding(who)[0].rule == RetryRule(attempts=1)
    assert rules.holding(who._replace(method="Put"))[0].rule == RetryRule(attempts=2)
    assert rules.holding(subject(method="Put"))[0].rule == RetryRule(attempts=3)


def test_a_ruling_says_which_rule_of_which_version_it_is() -> None:
    rules = retries((Scope(callee="a.b.c", method=frozenset({"y", "x"})), 1), version=7)
    (ruling,) = rules.rules
    assert ruling.name == "retry v7 callee=a.b.c method=x|y"
    assert retries((Scope(), 1), version=3).rules[0].name == "retry v3"


def test_the_subject_of_a_call() -> None:
    call = Call("client", "thrift", caller="a.b.c", callee="d.e.f", method="Get")
    call.caller_cluster, call.env = "blue", "boe"
    assert Subject.of(call) == Subject("d.e.f", "Get", "a.b.c", "blue", "default", "boe")
    call.callee_cluster = "canary"
    assert Subject.of(call).cluster == "canary"


def test_answers_are_remembered_in_bounds() -> None:
    rules = retries((Scope(method="m7"), 7), (Scope(), 1))
    for number in range(10_000):
        rules.holding(subject(method=f"m{number}"))
    assert len(rules._answers) <= 4096
    assert rules.holding(subject(method="m7"))[0].rule.attempts == 7


# --- what is refused ---


def written(**changes: Any) -> dict[str, Any]:
    rules = [{"scope": {"method": "Get"}, "body": {"attempts": 2}}]
    made = {"kind": "retry", "psm": "a.b.c", "side": "client", "version": 2, "rules": rules}
    return {**made, **changes}


def rule(scope: Any, body: Any) -> list[dict[str, Any]]:
    return [{"scope": scope, "body": body}]


def test_a_set_is_read_from_json() -> None:
    read = parse(json.dumps(written()), KINDS)
    assert (read.kind, read.psm, read.side, read.version) == (RetryRule, "a.b.c", "client", 2)
    assert read.rules[0].rule == RetryRule(attempts=2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "magic"}, f"kind: 'magic' is not one of {', '.join(sorted(KINDS))}; if a newer"),
        ({"side": "server"}, "side: rules of kind retry are for client, not server"),
        ({"side": "both"}, "side: 'both' is not one of server, client, callers"),
        ({"psm": "A.b.c"}, "psm: 'A.b.c' is not a PSM: write product"),
        ({"version": 0}, "version: 0 is not above 0"),
        (
            {"rules": rule({}, {"attempts": 0})},
            r"attempts: 0 is not a whole number from 1 to 101 \(att",
        ),
        (
            {"rules": rule({}, {"attempts": "3"})},
            r'rules\[0\]\.body\.attempts: "3" is not a whole n',
        ),
        (
            {"rules": rule({}, {"tries": 3})},
            r"rules\[0\]\.body: a rule of kind retry has no field `tries`; it has attempts, base, "
            "jitter; if a newer Pie wrote it, update this one",
        ),
        ({"rules": rule({}, [])}, r"rules\[0\]\.body: \[\] is no rule: Expected `object`"),
        ({"rules": ["rule"]}, r'rules\[0\]: "rule" is not {scope'),
        ({"rules": [{"scope": {}, "author": "x"}]}, r"rules\[0\]: .* is not {scope"),
        (
            {"rules": rule({"method": "G*t"}, {})},
            r"rules\[0\]\.scope\.method: 'G\*t' is no pattern: write a name",
        ),
        ({"rules": rule({"caller": ""}, {})}, "caller: '' is no pattern"),
        ({"rules": rule({"caller": []}, {})}, "caller: '' is no pattern"),
        ({"rules": rule({"lane": ["a", "b*"]}, {})}, r"lane: 'a\|b\*' is no pattern"),
        ({"rules": rule({"lane": 5}, {})}, r"lane: 5 is no pattern"),
        ({"rules": rule([], {})}, r"scope: \[\] is no scope"),
        (
            {"rules": rule({"host": "h"}, {})},
            "no field `host`; it has callee, method, caller, .*newer",
        ),
        (
            {"rules": rule({"caller": "x.y.z"}, {})},
            "caller: rules of the side client are for calls o",
        ),
        (
            {"rules": rule({}, {}) + rule({"method": "*"}, {})},
            r"rules\[1\]\.scope: it is for the same calls as rules\[0\]: .every call",
        ),
        (
            {"rules": rule({"method": ["a", "b"]}, {}) + rule({"method": ["b", "c"]}, {})},
            r"undecided whether it or rules\[0\].*\(method=b\|c\) and \(method=a\|b\)",
        ),
        ({"rules": rule({}, {}) * 1001}, "1001 are more than 1000"),
    ],
    ids=str,
)
def test_what_cannot_be_applied_is_refused_by_the_name_of_its_field(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(RuleError, match=message):
        parse(json.dumps(written(**changes)), KINDS)


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(RuleError, match="a rule set cannot be read"):
        parse("{", KINDS)


def test_rules_for_all_callers_name_no_callee() -> None:
    with pytest.raises(RuleError, match=r"rules\[0\]\.scope\.callee: rules of the side server are"):
        RuleSet(RateRule, "a.b.c", "server", 1, [(Scope(callee="a.b.c"), RateRule())])


def test_all_problems_of_a_set_are_said_at_once() -> None:
    wrong = [
        {"scope": {"method": ""}, "body": {"qps": 0}},
        {"scope": {}, "body": {}},
        {"scope": {}, "body": {"qqs": 5}},
    ]
    found = problems(Key("rate", "a.b.c", "server"), wrong, KINDS)
    assert [(each.number, each.field) for each in found] == [
        (0, "scope.method"),
        (0, "body.qps"),
        (2, "body"),
    ]
    same = [{"scope": {}, "body": {}}, {"body": {}}]
    (found_same,) = problems(Key("rate", "a.b.c", "server"), same, KINDS)
    assert (found_same.number, found_same.field) == (1, "scope")
    assert problems(Key("rate", "a.b.c", "server"), same[:1], KINDS) == []
    assert len(problems(Key("rate", "a.b.c", "server"), [5] * 900, KINDS)) == 50


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(sorted(KINDS)),
    st.sampled_from(["scope", "body"]),
    st.dictionaries(st.sampled_from(["qps", "burst", "method", "lane", "x"]), json_values)
    | json_values,
)
def test_whatever_is_written_is_read_or_refused(kind: str, part: str, value: Any) -> None:
    side: Side = KINDS[kind].sides[0]
    for each in problems(Key(kind, "a.b.c", side), [{part: value}], KINDS):
        assert str(each).startswith(f"rules[0].{part}")
        assert each.field.startswith(part)


def test_rules_are_found_among_a_thousand() -> None:
    bodies = [(Scope(method=f"m{number}"), number % 100 + 1) for number in range(MAX_RULES - 1)]
    rules = retries(*bodies, (Scope(method="m*"), 99))
    assert rules.holding(subject(method="m77"))[0].rule.attempts == 78
    assert rules.holding(subject(method="mm"))[0].rule.attempts == 99
    assert rules._index._candidates(subject(method="m77")) == [77, MAX_RULES - 1]


def test_a_thousand_sets_of_names_are_compared_at_once() -> None:
    """Each process compares them when they come: not each with each."""
    pairs = [frozenset({f"a{number}", f"b{number}"}) for number in range(MAX_RULES)]
    looks = 0
    whole = Scope.overlaps

    def overlaps(one: Scope, other: Scope) -> bool:
        nonlocal looks
        looks += 1
        return whole(one, other)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Scope, "overlaps", overlaps)
        retries(*[(Scope(method=pair), 1) for pair in pairs])
    assert looks == 0


def test_one_set_stands_before_another() -> None:
    own = retries((Scope(method="Get"), 5), version=2)
    theirs = RuleSet(RetryRule, "d.e.f", "callers", 9, [(Scope(method="t*"), RetryRule())])
    both = own.before(theirs)
    assert both.holding(subject(method="Get"))[0].name == "retry v2 method=Get"
    assert both.holding(subject(method="take"))[0].name == "retry v9 method=t*"
    assert both.holding(subject(method="Put")) == ()
    assert own.holding(subject(method="take")) == ()


def test_none_is_the_name_of_what_a_call_does_not_say() -> None:
    rules = retries((Scope(lane=NONE), 1), (Scope(lane="boe"), 2))
    assert rules.holding(subject(lane=""))[0].rule.attempts == 1
    assert rules.holding(subject(lane="boe"))[0].rule.attempts == 2


# --- what a rule says of itself ---


@pytest.mark.parametrize("kind", [*KINDS.values(), TimeoutRule], ids=lambda kind: kind.__name__)
def test_every_field_of_a_rule_is_described(kind: type[Rule]) -> None:
    fields = describe(kind)
    assert fields
    for field in fields:
        assert field.expects
        assert field.help.endswith(".")
        if field.form in ("number", "whole") and field.default is not None:
            assert field.least <= field.default <= field.most
            assert field.unit


def test_a_description_says_all_that_a_form_needs() -> None:
    qps = describe(RateRule)[0]
    assert (qps.name, qps.form, qps.type, qps.unit) == ("qps", "number", float, "calls/s")
    assert (qps.least, qps.above, qps.most, qps.default) == (0.001, False, 1e6, 1000.0)
    assert qps.expects == "a number from 0.001 to 1000000 (calls/s)"


def said(**of: Any) -> Any:
    return Meta(description="Help.", **of)


class WholeRule(Rule, frozen=True):
    """A field of each form."""

    kind = "whole"
    sides = ("server",)
    flag: Annotated[bool, said()] = False
    way: Annotated[Literal["by hash", "by chance"], said()] = "by hash"
    note: Annotated[str, said(max_length=20)] = ""
    hosts: Annotated[frozenset[str], said(max_length=9)] = frozenset()
    zones: Annotated[
        dict[str, Annotated[float, Meta(ge=0, le=100, extra={"unit": "%"})]], said(max_length=9)
    ] = {}  # noqa: RUF012 - msgspec copies it
    until: Annotated[Annotated[datetime, Meta(tz=True)] | None, said()] = None
    most: Annotated[Annotated[int, Meta(ge=1, le=9, extra={"unit": "calls"})] | None, said()] = None


def test_every_form_is_described_and_its_errors_say_what_is_expected() -> None:
    found = {field.name: field for field in describe(WholeRule)}
    assert {name: field.form for name, field in found.items()} == {
        "flag": "flag",
        "way": "choice",
        "note": "text",
        "hosts": "names",
        "zones": "weights",
        "until": "time",
        "most": "whole",
    }
    assert found["way"].choices == ("by hash", "by chance")
    assert (found["zones"].unit, found["zones"].most, found["zones"].default) == ("%", 100, {})
    wrong = {
        "flag": 1,
        "way": "by guess",
        "note": "x" * 21,
        "hosts": "h",
        "zones": {"a": 101},
        "until": "2026-01-31T18:00:00",
        "most": 10,
    }
    key = Key("whole", "a.b.c", "server")
    for name, value in wrong.items():
        (problem,) = problems(key, [{"body": {name: value}}], {"whole": WholeRule})
        assert problem.field == f"body.{name}"
        assert problem.problem.endswith(f"is not {found[name].expects}")


def test_a_field_that_says_too_little_is_an_error() -> None:
    class Bare(Rule, frozen=True):
        kind = "bare"
        most: int = 1

    with pytest.raises(TypeError, match=r"Bare\.most needs a default and help"):
        describe(Bare)

    class Unbounded(Rule, frozen=True):
        kind = "unbounded"
        most: Annotated[int, said()] = 1

    with pytest.raises(TypeError, match=r"Unbounded\.most needs unit and bounds"):
        describe(Unbounded)
