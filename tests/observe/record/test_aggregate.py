"""Aggregates are exact, bounded, and the same from the call log in C and from its twin."""

from collections.abc import Callable
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pie._core import native
from pie.model import Call, Failure, Kind
from pie.observe import Budget, Identity
from pie.observe.facts.fields import I32, LOW, OTHER, OTHER_CODE, Key, Name, number
from pie.observe.facts.rows import EdgeRow, PeerRow
from pie.observe.log.access import LOCATION
from pie.observe.log.line import LineFormat
from pie.observe.record.aggregate import FORGET_SECONDS, MAX_ROWS, Aggregator
from pie.observe.record.description import aggregate, row_parts
from pie.observe.record.finished import Finished

WHO = Identity(psm="a.b.c", cluster="blue", host="10.0.0.1", instance="10.0.0.1:80", version="7")
Counter = Callable[[type[Any]], "Counting"]


class Counting:
    """Counts calls in an aggregate of its own, by the twin."""

    def __init__(self, row_type: type[Any]) -> None:
        self._aggregator: Aggregator[Any] = Aggregator(row_type, WHO)

    def add(self, call: Call) -> None:
        self._aggregator.add(Finished(call, WHO))

    def take(self, before: float = float("inf")) -> list[Any]:
        return [row for row, _ in self._aggregator.take(before)]


class CountingInC(Counting):
    """Counts calls by the call log in C."""

    def __init__(self, row_type: type[Any]) -> None:
        self._log = native.CallLog(  # type: ignore[union-attr]
            row=row_parts(WHO), aggregates=[aggregate("counted", row_type, WHO)], env="",
            version=WHO.version, location=LOCATION, who="", per_second=Budget().per_second,
            slow_us=Budget().slow_us, notable_per_second=Budget().notable_per_second,
            stamp=LineFormat("h", "a.b.c").stamp, wake=lambda: None, limit=0, prepare=None,
        )  # fmt: skip

    def add(self, call: Call) -> None:
        self._log.record(call)

    def take(self, before: float = float("inf")) -> list[Any]:
        return [row for row, _ in self._log.take_totals("counted", before)]


in_c = pytest.param(
    CountingInC, marks=pytest.mark.skipif(native is None, reason="the extension is not in use")
)
both = pytest.mark.parametrize("counting", [Counting, in_c], ids=["twin", "c"])


class SmallEdge(EdgeRow, kw_only=True):
    """An edge of which few names are held."""

    caller: Annotated[Name, Key(source="call.caller", column=LOW, cap=2)] = ""
    code: Annotated[I32, Key(source="call.code", column=number("Int32"), cap=3)] = 0


def call(ended: float, side: Any = "server", **fields: Any) -> Call:
    """A call of half a millisecond that ended then."""
    made = Call(side, "thrift", caller="x.y.z", callee="d.e.f", method="Get")
    made.started, made.start, made.end = ended - 0.0005, 1.0, 1.0005
    for name, value in fields.items():
        setattr(made, name, value)
    return made


@both
def test_a_bucket_adds_up_when_calls_come_late(counting: Counter) -> None:
    counted = counting(EdgeRow)
    counted.add(call(101.0))
    assert counted.take(109.9) == []
    first = counted.take(110.0)
    counted.add(call(101.0))
    found = [(edge.ts, edge.count, edge.duration_us) for edge in first + counted.take(120.0)]
    assert found == [(100, 1, 500), (100, 1, 500)]


@both
def test_a_call_counts_where_it_ends(counting: Counter) -> None:
    counted = counting(EdgeRow)
    late = call(109.5)
    late.end = 2.0
    counted.add(late)
    assert [edge.ts for edge in counted.take()] == [110]


@both
def test_an_edge_has_the_process_its_keys_and_its_sums(counting: Counter) -> None:
    counted = counting(EdgeRow)
    one = {"attempts": 4, "hedges": 1, "queued": 0.25, "env": "blue", "traffic": "stress"}
    counted.add(call(101.0, **one))
    counted.add(call(102.0, **one))
    (edge,) = counted.take()
    assert (edge.psm, edge.cluster, edge.instance) == ("a.b.c", "blue", "10.0.0.1:80")
    assert (edge.version, edge.lane, edge.traffic, edge.gate) == ("7", "blue", "stress", "")
    assert (edge.count, edge.attempts, edge.retries, edge.hedges) == (2, 8, 4, 2)
    assert (edge.queued_us, sum(edge.histogram.values())) == (500_000, 2)


@both
def test_attempts_are_no_whole_calls(counting: Counter) -> None:
    counted = counting(EdgeRow)
    counted.add(call(101.0, "client", attempt=2))
    assert counted.take() == []


@both
def test_attempts_made_are_counted_by_instance(counting: Counter) -> None:
    counted = counting(PeerRow)
    counted.add(call(101.0, "client", peer="10.0.0.2:80", version="3"))
    failed = call(102.0, "client", peer="10.0.0.2:80", version="3", attempt=1)
    failed.fail(Failure(Kind.UNAVAILABLE, "gone"))
    counted.add(failed)
    counted.add(call(103.0, "client", peer="10.0.0.3:80", version="4", attempt=2, attempts=2))
    counted.add(call(103.0, "client", peer="10.0.0.3:80", version="4", attempts=2))  # the whole
    counted.add(call(104.0, "client"))  # rejected before an instance was chosen
    counted.add(call(105.0, "server", peer="10.0.0.9:1234"))
    found = {row.peer: (row.ts, row.version, row.count, row.failures) for row in counted.take()}
    assert found == {"10.0.0.2:80": (60, "3", 2, 1), "10.0.0.3:80": (60, "4", 1, 0)}


@both
def test_names_beyond_the_cap_are_counted_under_other(counting: Counter) -> None:
    counted = counting(SmallEdge)
    for name in ("a", "b", "c", "d", "a"):
        counted.add(call(101.0, caller=name))
    counted.add(call(101.0, code=1 << 40))
    found = {(edge.caller, edge.code): edge.count for edge in counted.take()}
    assert found == {("a", 0): 2, ("b", 0): 1, (OTHER, 0): 2, (OTHER, OTHER_CODE): 1}


@both
def test_a_name_that_has_not_come_for_long_makes_room(counting: Counter) -> None:
    counted = counting(SmallEdge)
    for name in ("a", "b"):
        counted.add(call(10_001.0, caller=name))
    counted.add(call(10_001.0 + FORGET_SECONDS / 2, caller="b"))
    for name in ("c", "b"):
        counted.add(call(10_011.0 + FORGET_SECONDS, caller=name))
    late = [edge.caller for edge in counted.take() if edge.ts > 10_000 + FORGET_SECONDS]
    assert sorted(late) == ["b", "c"]


@both
def test_beyond_all_room_every_capped_name_is_other(counting: Counter) -> None:
    counted = counting(EdgeRow)
    for number_of_call in range(MAX_ROWS + 100):
        caller, method = f"c{number_of_call % 200}", f"m{number_of_call // 200}"
        counted.add(call(101.0, caller=caller, method=method))
    found = counted.take()
    assert len(found) == MAX_ROWS + 1
    (other,) = [edge for edge in found if edge.method == OTHER]
    assert other.count == 100
    names = ("caller", "caller_cluster", "callee", "callee_cluster", "version", "lane", "gate")
    assert {getattr(other, name) for name in names} == {OTHER}
    assert other.code == OTHER_CODE


few = st.sampled_from(["", "a", "b", "c", "d", "登录", OTHER])


@pytest.mark.skipif(native is None, reason="the extension is not in use")
@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), few, few, st.integers(-2, 6)), max_size=60))
def test_caps_are_those_of_the_twin(many: list[tuple[int, str, str, int]]) -> None:
    one, other = CountingInC(SmallEdge), Counting(SmallEdge)
    for hours, caller, method, code in many:
        for each in (one, other):
            each.add(call(1e6 + hours * 2000, caller=caller, method=method, code=code))
    assert sorted(map(repr, one.take())) == sorted(map(repr, other.take()))


@pytest.mark.skipif(native is None, reason="the extension is not in use")
@pytest.mark.parametrize("source", ["call.nonsense", "call.deadline", "nonsense", "call.notes"])
def test_a_source_that_c_does_not_know_is_refused_by_name(source: str) -> None:
    class Wrong(EdgeRow, kw_only=True):
        caller: Annotated[Name, Key(source=source, column=LOW)] = ""

    with pytest.raises(ValueError, match=source):
        CountingInC(Wrong)


class ByUser(EdgeRow, kw_only=True):
    user: Annotated[Name, Key(source="call.persist.USER", column=LOW, cap=2)] = ""


@both
def test_calls_are_counted_apart_by_a_key_of_their_metadata(counting: Counter) -> None:
    counted = counting(ByUser)
    for user in ("ann", "bob", "ann", "eve"):
        call = Call("server", "thrift", caller="", callee="a.b.c", method="Get")
        call.persist = {"USER": user}
        counted.add(call)
    assert {row.user: row.count for row in counted.take()} == {"ann": 2, "bob": 1, OTHER: 1}
