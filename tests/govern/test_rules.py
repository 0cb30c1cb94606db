"""Rules: scopes, precedence against a naive model, refusals, and how a rule describes itself."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pie.govern import (
    KINDS,
    RateRule,
    RetryRule,
    Rule,
    RuleError,
    RuleSet,
    Scope,
    Subject,
    TimeoutRule,
    describe,
    parse,
)
from pie.model import Call

FIELDS = Subject._fields


def subject(**fields: str) -> Subject:
    return Subject(**{**dict.fromkeys(FIELDS, "x"), **fields})


def retries(*rules: tuple[Scope, int], version: int = 1) -> RuleSet[RetryRule]:
    bodies = [(scope, RetryRule(attempts=attempts)) for scope, attempts in rules]
    return RuleSet(RetryRule, "a.b.c", "client", version, bodies)


# --- precedence ---

names = st.sampled_from(["a", "ab", "abc", "b"])
patterns = st.one_of(
    names,
    st.sampled_from(["*", "a*", "ab*", "b*"]),
    st.sets(names, min_size=1, max_size=3).map(frozenset),
)
scopes = st.builds(Scope, method=patterns, caller=patterns, lane=patterns)
subjects = st.builds(
    Subject, method=names, caller=names, caller_cluster=names, cluster=names, lane=names
)


def holds(pattern: Any, name: str) -> bool:
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
    rules = RuleSet(RateRule, "a.b.c", "server", 1, [(scope, RateRule()) for scope in found])
    expected = {
        str(scope)
        for scope in found
        if all(holds(getattr(scope, field), getattr(who, field)) for field in FIELDS)
    }
    assert {each.scope for each in rules.holding(who)} == expected


def test_scopes_are_compared_from_left_to_right() -> None:
    rules = retries(
        (Scope(method="Get*"), 1), (Scope(caller="a.b.c", cluster="blue"), 2), (Scope(), 3)
    )
    assert rules.holding(subject(method="GetItem", caller="a.b.c", cluster="blue"))[0].rule == (
        RetryRule(attempts=1)
    )
    assert rules.holding(subject(method="Put", caller="a.b.c", cluster="blue"))[0].rule == (
        RetryRule(attempts=2)
    )
    assert rules.holding(subject(method="Put"))[0].rule == RetryRule(attempts=3)


def test_a_ruling_says_which_rule_of_which_version_it_is() -> None:
    rules = retries((Scope(method="Get", caller=frozenset({"y", "x"})), 1), version=7)
    (ruling,) = rules.rules
    assert ruling.name == "retry v7 method=Get caller=x|y"
    assert retries((Scope(), 1), version=3).rules[0].name == "retry v3"


def test_the_subject_of_a_call() -> None:
    call = Call("client", "thrift", caller="a.b.c", callee="d.e.f", method="Get")
    call.caller_cluster, call.env = "blue", "boe"
    assert Subject.of(call) == Subject("Get", "a.b.c", "blue", "default", "boe")
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
        ({"kind": "magic"}, f"kind: 'magic' is not one of {', '.join(sorted(KINDS))}"),
        ({"side": "server"}, "side: rules of kind retry are for client"),
        ({"side": "both"}, r"\$\.side"),
        ({"version": 0}, "version: 0 is not above 0"),
        ({"rules": rule({}, {"attempts": 0})}, r"`int` >= 1 - at `rules\[0\]\.body\.attempts`"),
        ({"rules": rule({}, {"attempts": "3"})}, r"rules\[0\]\.body\.attempts"),
        ({"rules": rule({}, {"tries": 3})}, r"rules\[0\]\.body: .*`tries`"),
        ({"rules": rule({}, [])}, r"rules\[0\]\.body"),
        (
            {"rules": rule({"method": "G*t"}, {})},
            r"method: 'G\*t' is no pattern.*rules\[0\]\.scope",
        ),
        ({"rules": rule({"caller": ""}, {})}, "caller: '' is no pattern"),
        ({"rules": rule({"caller": []}, {})}, "caller: '' is no pattern"),
        ({"rules": rule({"lane": ["a", "b*"]}, {})}, r"lane: 'a\|b\*' is no pattern"),
        ({"rules": rule({"host": "h"}, {})}, "`host`"),
        ({"rules": rule({}, {}) + rule({"method": "*"}, {})}, "same calls: .every call"),
        (
            {"rules": rule({"method": ["a", "b"]}, {}) + rule({"method": ["b", "c"]}, {})},
            r"undecided.*\(method=a\|b\) and \(method=b\|c\)",
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


# --- what a rule says of itself ---


@pytest.mark.parametrize("kind", [*KINDS.values(), TimeoutRule], ids=lambda kind: kind.__name__)
def test_every_field_of_a_rule_is_described(kind: type[Rule]) -> None:
    fields = describe(kind)
    assert fields
    for field in fields:
        assert field.least <= field.default <= field.most
        assert field.unit
        assert field.help.endswith(".")


def test_a_description_says_all_that_a_form_needs() -> None:
    qps = describe(RateRule)[0]
    assert (qps.name, qps.type, qps.unit) == ("qps", float, "calls/s")
    assert (qps.least, qps.above, qps.most, qps.default) == (0, True, 1e6, 1000.0)


def test_a_field_without_help_is_an_error() -> None:
    class Bare(Rule, frozen=True):
        kind = "bare"
        most: int = 1

    with pytest.raises(TypeError, match=r"Bare\.most needs unit, bounds, default and help"):
        describe(Bare)
