"""Switches in code: who asks, what is noted and counted, which fallback answers."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.call.file_rules import FileRules

from pie import degradable, degraded
from pie.call import Driver, Policies
from pie.call.switches import SWITCHES
from pie.model import Call, Failure, Kind, current_call
from pie.testing import FakeClock, switched


class Fleet:
    """A process whose rules are a file."""

    def __init__(self, bench, path: Path) -> None:
        self.source = FileRules(path)
        self.clock = FakeClock()
        self.policies = Policies(bench.observer, source=self.source, clock=self.clock)
        self.identity = bench.observer.identity
        SWITCHES.bind(self.policies, self.identity)

    def rules(self, *bodies: dict, side: str = "server") -> None:
        written = [{"scope": each.pop("scope", {}), "body": each} for each in map(dict, bodies)]
        psm = self.identity.psm
        self.source.write(
            {"kind": "degrade", "psm": psm, "side": side, "version": 1, "rules": written}
        )

    def serve(self, handler, method: str = "Get") -> Call:
        """A call whose handler runs as in a server; its notes are what counts."""
        call = Call("server", "thrift", caller="a.b.c", callee=self.identity.psm, method=method)

        def run(each: Call) -> object:
            token = current_call.set(each)
            try:
                return handler()
            finally:
                current_call.reset(token)

        call.result = Driver(self.policies.server()).run(call, run)
        return call

    def verdicts(self) -> list[tuple[str, str, int]]:
        return [(each.scope, each.verdict, each.calls) for each in self.policies.verdicts.take()]


@pytest.fixture
def fleet(bench, tmp_path: Path) -> Iterator[Fleet]:
    yield Fleet(bench, tmp_path / "rules")
    SWITCHES.bind(None, None)


def test_a_switch_is_known_before_anybody_flips_it_and_asked_at_no_cost(fleet: Fleet) -> None:
    assert not degraded("zoo.ads", users_see="no ads")
    assert SWITCHES.known()["zoo.ads"].users_see == "no ads"
    assert "zoo.ads" in SWITCHES.untouched
    fleet.rules({"switch": "zoo.ads"})
    assert degraded("zoo.ads")
    assert not degraded("zoo.other")
    fleet.rules()
    assert not degraded("zoo.ads")
    with pytest.raises(ValueError, match="no name of a switch"):
        degraded("what is this")


def test_what_was_decided_is_noted_once_and_counted(fleet: Fleet) -> None:
    fleet.rules({"switch": "ads"})
    call = fleet.serve(lambda: [degraded("ads"), degraded("ads")])
    assert call.result == [True, True]
    assert call.notes == ["degraded: degrade v1 switch=ads"]
    assert fleet.verdicts() == [("switch=ads", "fallback", 2)]


def test_the_scope_of_a_switch_is_that_of_the_call_being_served(fleet: Fleet) -> None:
    fleet.rules({"switch": "ads", "scope": {"method": "Put"}})
    assert fleet.serve(lambda: degraded("ads"), "Put").result is True
    assert fleet.serve(lambda: degraded("ads"), "Get").result is False
    assert degraded("ads") is False


def test_whole_methods_stand_in_the_list_only_while_they_are_ruled(fleet: Fleet) -> None:
    course = fleet.policies.server()
    policies = lambda: [getattr(gate, "policy", "") for gate, _ in course.gates.gates]  # noqa: E731
    fleet.rules({"switch": "ads"})
    assert "degrade" not in policies()
    fleet.rules({"switch": "ads"}, {"scope": {"method": "Put"}})
    assert "degrade" in policies()
    with pytest.raises(Failure, match="Put is switched off"):
        fleet.serve(lambda: 1, "Put")
    fleet.serve(lambda: 1)


def test_a_client_does_not_make_a_call_that_is_switched_off(fleet: Fleet) -> None:
    fleet.rules({"scope": {"callee": "d.e.f"}}, side="client")
    call = Call("client", "thrift", caller=fleet.identity.psm, callee="d.e.f", method="Get")
    with pytest.raises(Failure, match=r"d\.e\.f\.Get is switched off") as caught:
        Driver(fleet.policies.client("d.e.f")).run(call, lambda each: pytest.fail("made"))
    assert caught.value.rule == "degrade v1 callee=d.e.f"
    assert (call.gate, call.attempts) == ("degrade", 1)


def test_a_fallback_answers_while_its_switch_is_off(fleet: Fleet) -> None:
    made: list[str] = []

    @degradable(fallback=lambda user: f"newest for {user}", users_see="the newest")
    def recommend(user: str) -> str:
        made.append(user)
        return f"best for {user}"

    assert recommend("ann") == "best for ann"
    fleet.rules({"switch": "recommend"})
    call = fleet.serve(lambda: recommend("ben"))
    assert (call.result, made) == ("newest for ben", ["ann"])
    assert call.notes == [
        "degraded: degrade v1 switch=recommend",
        "recommend: switched off; the fallback answered",
    ]
    assert SWITCHES.known()["recommend"].users_see == "the newest"


def test_a_fallback_answers_after_chosen_failures(fleet: Fleet) -> None:
    errors: list[Exception] = [Failure(Kind.DEADLINE, "too late"), KeyError("x"), ValueError("y")]

    @degradable(fallback="none", on=("deadline", KeyError), name="zoo.fetch")
    def fetch() -> str:
        raise errors.pop(0)

    call = fleet.serve(fetch)
    assert (call.result, call.outcome) == ("none", "ok")
    assert call.notes == ["zoo.fetch: deadline: too late; the fallback answered"]
    assert fleet.serve(fetch).result == "none"
    with pytest.raises(ValueError, match="y"):
        fetch()
    with pytest.raises(ValueError, match="late"):
        degradable(fallback=1, on=("late",))


def test_a_rule_chooses_failures_too(fleet: Fleet) -> None:
    @degradable(fallback="none", name="zoo.load")
    def load() -> str:
        raise Failure(Kind.UNAVAILABLE, "nobody there")

    fleet.rules({"switch": "zoo.load", "on": ["unavailable"]})
    assert degraded("zoo.load") is False
    call = fleet.serve(load)
    assert call.notes == [
        "fallback: degrade v1 switch=zoo.load",
        "zoo.load: unavailable: nobody there; the fallback answered",
    ]
    assert fleet.verdicts()[-1] == ("switch=zoo.load", "fallback", 1)


def test_a_fallback_that_fails_says_so_and_fails(fleet: Fleet) -> None:
    def broken() -> None:
        raise KeyError("gone")

    @degradable(fallback=broken, on=("internal",), name="zoo.broken")
    def original() -> None:
        raise ValueError("bad")

    notes: list[str] = []

    def handler() -> None:
        try:
            original()
        finally:
            notes.extend(current_call.get().notes)

    with pytest.raises(Failure) as caught:
        fleet.serve(handler)
    assert isinstance(caught.value.__cause__, KeyError)
    assert isinstance(caught.value.__cause__.__context__, ValueError)
    assert "internal: ValueError: bad; the fallback failed: KeyError" in notes[0]


def test_coroutines_fall_back_too(fleet: Fleet) -> None:
    async def newest() -> str:
        await asyncio.sleep(0)
        return "newest"

    @degradable(fallback=newest, on=("deadline",), name="zoo.async")
    async def recommend(fails: bool) -> str:
        if fails:
            raise TimeoutError
        return "best"

    with pytest.raises(TypeError):  # The fallback takes the same arguments.
        asyncio.run(recommend(True))

    @degradable(fallback="plain", on=("deadline",), name="zoo.async")
    async def other(fails: bool) -> str:
        return await recommend.__wrapped__(fails)

    assert asyncio.run(other(False)) == "best"
    assert asyncio.run(other(True)) == "plain"
    fleet.rules({"switch": "zoo.async"})
    assert asyncio.run(other(False)) == "plain"


def test_a_test_flips_switches_itself() -> None:
    assert not degraded("zoo.tested")
    with switched({"zoo.tested": True}):
        assert degraded("zoo.tested")
        with switched({"zoo.tested": False}):
            assert not degraded("zoo.tested")
    assert not degraded("zoo.tested")


def test_names_made_of_input_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pie.call.switches.MAX_SWITCHES", len(SWITCHES.known()) + 2)
    for number in range(10):
        assert not degraded(f"zoo.many.{number}")
    assert sum(each.startswith("zoo.many.") for each in SWITCHES.untouched) <= 2
