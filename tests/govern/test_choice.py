"""Route, balance and retry: where an attempt goes, and whether there is another."""

import random
from collections import Counter
from dataclasses import dataclass

import pytest

from pie.govern import Balance, Retry, RetryRule, Route
from pie.model import Call, Failure, Kind
from pie.testing import FakeClock


@dataclass(frozen=True)
class Instance:
    id: str
    cluster: str = "default"
    host: str = "127.0.0.1"
    port: int = 1
    transport: str = "ttheader"
    version: str = "3.1"
    env: str = ""
    idc: str = ""
    tags: tuple[str, ...] = ()
    weight: int = 100


def call(*candidates: Instance, cluster: str = "") -> Call:
    made = Call(
        "client", "thrift", caller="a.b.c", callee="d.e.f", method="Get", callee_cluster=cluster
    )
    made.candidates = candidates
    return made


def explain(psm: str, cluster: str) -> str:
    return f"nobody in {psm}/{cluster}"


def test_route_keeps_the_cluster_asked_for() -> None:
    subject = call(Instance("a"), Instance("b", cluster="canary"), cluster="canary")
    Route(explain).enter(subject)
    assert [each.id for each in subject.candidates] == ["b"]


def test_route_means_default_when_none_is_asked_for() -> None:
    subject = call(Instance("a"), Instance("b", cluster="canary"))
    Route(explain).enter(subject)
    assert [each.id for each in subject.candidates] == ["a"]
    assert subject.callee_cluster == "default"


def test_an_empty_cluster_is_explained() -> None:
    with pytest.raises(Failure, match=r"nobody in d\.e\.f/blue") as caught:
        Route(explain).enter(call(Instance("a"), cluster="blue"))
    assert caught.value.kind == Kind.UNAVAILABLE
    assert caught.value.never_sent


def test_a_pinned_instance_wins_over_clusters() -> None:
    subject = call(Instance("a", port=1), Instance("b", port=2, cluster="canary"))
    subject.pin = "127.0.0.1:2"
    Route(explain).enter(subject)
    assert [each.id for each in subject.candidates] == ["b"]
    assert subject.callee_cluster == "canary"
    assert subject.notes == ["pinned to 127.0.0.1:2"]


def test_a_pin_to_nowhere_says_what_there_is() -> None:
    subject = call(Instance("a", port=1))
    subject.pin = "127.0.0.1:9"
    with pytest.raises(Failure, match=r"registered instances: 127\.0\.0\.1:1"):
        Route(explain).enter(subject)


def test_balance_prefers_who_has_less_in_flight() -> None:
    gate = Balance(random=random.Random(7))
    busy, idle = Instance("busy"), Instance("idle")
    first = call(busy)
    for _ in range(5):
        gate.enter(call(busy))
    gate.enter(first)
    chosen = Counter()
    for _ in range(5):
        subject = call(busy, idle)
        gate.enter(subject)
        chosen[subject.target.id] += 1
    assert chosen == {"idle": 5}


def test_a_call_carries_the_version_of_the_instance_until_its_next_attempt() -> None:
    subject = call(Instance("a", version="1.7"))
    Balance().enter(subject)
    assert (subject.version, subject.as_attempt().version) == ("1.7", "1.7")
    assert subject.next_attempt("span").version == ""


def test_balance_spreads_evenly_over_equals() -> None:
    gate = Balance(random=random.Random(7))
    instances = [Instance(str(number)) for number in range(5)]
    chosen = Counter()
    for _ in range(2000):
        subject = call(*instances)
        gate.enter(subject)
        chosen[subject.target.id] += 1
        gate.leave(subject)
    assert min(chosen.values()) > 300


def shares(instances: list[Instance], *, in_flight: int = 0) -> Counter:
    """The calls that each gets of 4000, of which some are in flight at any time."""
    gate = Balance(random=random.Random(7))
    chosen, running, candidates = Counter(), [], tuple(instances)
    for _ in range(4000):
        subject = call()
        subject.candidates = candidates
        gate.enter(subject)
        chosen[subject.target.id] += 1
        running.append(subject)
        if len(running) > in_flight:
            gate.leave(running.pop(0))
    return chosen


@pytest.mark.parametrize("in_flight", [0, 60])
def test_balance_shares_calls_by_weight(in_flight: int) -> None:
    weights = {"full": 100, "other": 100, "half": 50, "tenth": 10}
    found = shares([Instance(name, weight=each) for name, each in weights.items()])
    for name, weight in weights.items():
        assert found[name] == pytest.approx(4000 * weight / 260, rel=0.35), name


def test_weights_that_are_all_alike_change_nothing() -> None:
    light = shares([Instance(str(number), weight=3) for number in range(5)])
    assert light == shares([Instance(str(number)) for number in range(5)])


def test_an_instance_without_weight_is_chosen_where_no_other_is_left() -> None:
    gate = Balance(random=random.Random(7))
    subject = call(Instance("full"), Instance("none", weight=0))
    gate.enter(subject)
    assert subject.target.id == "full"
    subject.next_attempt("span")
    gate.enter(subject)
    assert subject.target.id == "none"


def test_balance_avoids_what_was_tried() -> None:
    gate = Balance(random=random.Random(7))
    subject = call(Instance("a"), Instance("b"))
    subject.tried = ("a",)
    gate.enter(subject)
    assert subject.target.id == "b"


def test_with_nothing_else_left_it_tries_again_where_it_was() -> None:
    subject = call(Instance("a"))
    subject.tried = ("a",)
    Balance().enter(subject)
    assert subject.target.id == "a"


def failed(attempts: int = 1, **options) -> Call:
    subject = call(Instance("a"))
    subject.target = Instance("a")
    subject.attempts = attempts
    subject.fail(Failure(Kind.UNAVAILABLE, "refused", **options))
    return subject


def test_only_what_was_never_sent_is_retried() -> None:
    assert Retry().pause(failed(never_sent=False)) is None
    assert Retry().pause(failed(never_sent=True)) is not None


def test_the_pause_doubles_within_its_jitter() -> None:
    policy = Retry(RetryRule(attempts=5, base=0.01, jitter=0.2))
    for attempts, middle in ((1, 0.01), (2, 0.02), (3, 0.04)):
        pause = policy.pause(failed(attempts, never_sent=True))
        assert middle * 0.8 <= pause <= middle * 1.2


def test_attempts_are_bounded() -> None:
    assert Retry(RetryRule(attempts=2)).pause(failed(2, never_sent=True)) is None


def test_nothing_is_retried_past_the_deadline() -> None:
    clock = FakeClock(monotonic=10.0)
    subject = failed(never_sent=True)
    subject.deadline = 10.001
    assert Retry(RetryRule(base=1.0), clock=clock).pause(subject) is None
    assert subject.notes == ["not retried: the deadline would pass"]


def test_a_rejection_before_the_balancer_is_final() -> None:
    subject = failed(never_sent=True)
    subject.target = None
    assert Retry().pause(subject) is None
