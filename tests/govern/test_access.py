"""Access: who is let in, against a naive model, and what is said to those who are not."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pie.govern import (
    Access,
    AccessList,
    AccessRule,
    AccessState,
    RuleSet,
    Scope,
    Subject,
    Verdicts,
)
from pie.model import Call, Failure, Kind
from pie.testing import FakeClock

PSM = "d.e.f"


def rule(effect: Any = "deny", *, dry_run: bool = False, **scope: Any) -> tuple[Scope, AccessRule]:
    return Scope(**scope), AccessRule(effect, dry_run)


def call(caller: str = "a.b.c", method: str = "Get") -> Call:
    return Call("server", "thrift", caller=caller, callee=PSM, method=method)


class Bench:
    def __init__(self, *rules: tuple[Scope, AccessRule]) -> None:
        self.verdicts = Verdicts()
        found = RuleSet(AccessRule, PSM, "server", 7, rules)
        self.gate = Access(found, AccessState(), FakeClock(), self.verdicts)

    def refused(self, caller: str = "a.b.c", method: str = "Get") -> str:
        """The message of the refusal; empty = it was let in."""
        try:
            self.gate.enter(call(caller, method))
        except Failure as failure:
            assert failure.kind is Kind.DENIED
            return failure.message
        return ""


def test_what_no_rule_is_about_is_open() -> None:
    bench = Bench(rule("deny", method="Put"), rule("allow", method="Delete", caller="x.y.z"))
    assert not bench.refused(method="Get")
    assert bench.verdicts.take() == []


def test_deny_wins_over_allow() -> None:
    bench = Bench(rule("allow", caller="a.b.c", method="Get"), rule("deny", method="G*"))
    assert bench.refused() == (
        "a.b.c may not call d.e.f.Get: access v7 method=G* denies it; "
        "ask the owner of d.e.f to let it in"
    )


def test_who_is_not_among_those_allowed_is_refused() -> None:
    bench = Bench(
        rule("allow", caller=frozenset({"a.b.c", "a.b.d"}), method="Get"),
        rule("allow", caller="ops.*", method="*"),
    )
    assert not bench.refused("a.b.c")
    assert not bench.refused("ops.tool.cli")
    assert bench.refused("x.y.z") == (
        "x.y.z is not among the callers that may call d.e.f.Get "
        "(access v7 method=Get caller=a.b.c|a.b.d allows others); "
        "ask the owner of d.e.f to let it in"
    )
    assert bench.refused("").startswith("a caller that gives no name is not among")
    assert "access v7 caller=ops.*" in bench.refused("a.b.c", "Put")


def test_callers_that_give_no_name_can_be_denied() -> None:
    bench = Bench(rule("deny", caller="(none)"))
    assert not bench.refused("a.b.c")
    assert bench.refused("")


def test_a_refusal_names_the_rule_and_is_not_worth_another_attempt() -> None:
    bench, one = Bench(rule("deny", method="Get", caller="a.b.c")), call()
    with pytest.raises(Failure) as caught:
        bench.gate.enter(one)
    assert (caught.value.kind, caught.value.code) == (Kind.DENIED, 403)
    assert caught.value.rule == "access v7 method=Get caller=a.b.c"
    assert not caught.value.never_sent
    assert one.notes == ["rejected: access v7 method=Get caller=a.b.c"]


def test_a_dry_run_is_noted_and_enforces_nothing() -> None:
    bench = Bench(
        rule("deny", caller="a.b.c", dry_run=True),
        rule("allow", caller="a.b.d", method="Put", dry_run=True),
    )
    denied, not_allowed, allowed = call(), call("x.y.z", "Put"), call("a.b.d", "Put")
    for each in (denied, not_allowed, allowed):
        bench.gate.enter(each)
    assert denied.notes == ["would reject: access v7 caller=a.b.c"]
    assert not_allowed.notes == ["would reject: access v7 method=Put caller=a.b.d"]
    assert allowed.notes == []
    assert sorted((each.scope, each.verdict, each.calls) for each in bench.verdicts.take()) == [
        ("caller=a.b.c", "would_reject", 1),
        ("method=Put caller=a.b.d", "admitted", 1),
        ("method=Put caller=a.b.d", "would_reject", 1),
    ]


def test_a_dry_run_lets_nobody_in() -> None:
    bench = Bench(
        rule("allow", caller="a.b.c", method="Get"),
        rule("allow", caller="x.y.z", method="Get", dry_run=True),
    )
    assert not bench.refused("a.b.c")
    assert bench.refused("x.y.z")


# --- against a naive model ---

callers = st.sampled_from(["a", "ab", "b", ""])
methods = st.sampled_from(["m", "mn", "n"])
scopes = st.sampled_from(
    [
        Scope(caller=caller, method=method)
        for caller in ("*", "a*", "a", "b", "(none)", frozenset({"a", "b"}))
        for method in ("*", "m*", "m", "n")
    ]
)
bodies = st.sampled_from([AccessRule(e, d) for e in ("allow", "deny") for d in (True, False)])
rules = st.dictionaries(scopes, bodies, max_size=6).map(lambda found: list(found.items()))


def admits(rules: list[tuple[Scope, AccessRule]], who: Subject) -> bool:
    hit = [rule.effect for scope, rule in rules if scope.matches(who)]
    about = any(
        rule.effect == "allow" and Scope(method=scope.method).matches(who) for scope, rule in rules
    )
    return "deny" not in hit and ("allow" in hit or not about)


@settings(max_examples=500, deadline=None)
@given(rules, callers, methods)
def test_decisions_are_those_of_the_four_sentences(
    found: list[tuple[Scope, AccessRule]], caller: str, method: str
) -> None:
    who = Subject(PSM, method, caller, "default", "default", "")
    in_force = [each for each in found if not each[1].dry_run]
    decision = AccessList(RuleSet(AccessRule, PSM, "server", 1, found)).decide(who)
    assert (decision.refused is None) == admits(in_force, who)
    if decision.refused is None:
        assert (decision.would_refuse is None) == admits(found, who)
    verdicts = {verdict for _, verdict in decision.verdicts}
    assert ("rejected" in verdicts) == (decision.refused is not None)
    assert ("would_reject" in verdicts) == (decision.would_refuse is not None)
