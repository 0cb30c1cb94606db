"""The ledger of shared limits: parts follow demand, and never add up to more than the limit."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pie.govern.demand import FLOOR
from pie.platform.govern.shares import LEASE_PERIODS, PERIOD_S, ShareLedger
from pie.state.store.interface import LimitExceeded
from pie.state.store.wire import SharedLimit, SharedLimits, SharesRequest
from pie.testing import FakeClock


class Fleet:
    """Instances that divide one limit, as they would."""

    def __init__(self, size: int, reporting: int = 0) -> None:
        self.clock = FakeClock(monotonic=100.0)
        self.ledger = ShareLedger(self.clock)
        self.size = size
        self.parts = dict.fromkeys(range(reporting or size), 0.0)
        self.ends = dict.fromkeys(self.parts, 0.0)

    def report(self, number: int, wants: float) -> float:
        limit = SharedLimit("k", wants, self.parts[number])
        asked = SharedLimits("*", self.size, [limit])
        reply = self.ledger.report(SharesRequest("a.b.c", f"h:{number}", f"h:{number}/1", [asked]))
        self.parts[number] = reply.parts[0][0]
        self.ends[number] = self.clock.monotonic() + reply.lasts
        return self.parts[number]

    def round(self, wants: dict[int, float]) -> None:
        """Every instance reports once, one after the other."""
        for number in self.parts:
            self.report(number, wants.get(number, 0.0))
            self.clock.advance(PERIOD_S / len(self.parts))

    def admitted(self) -> float:
        """What all admit, as a part of the limit: those without a lease their equal parts."""
        now = self.clock.monotonic()
        known = (
            part if part and self.ends[number] > now else 1 / self.size
            for number, part in self.parts.items()
        )
        return sum(known) + (self.size - len(self.parts)) / self.size


def learned(size: int, reporting: int = 0) -> Fleet:
    fleet = Fleet(size, reporting)
    for _ in range(LEASE_PERIODS + 1):
        fleet.round(dict.fromkeys(fleet.parts, 1 / size))
    return fleet


def test_who_is_asked_for_all_gets_nearly_all() -> None:
    fleet = learned(4)
    for _ in range(3):
        fleet.round({2: 5.0})
    assert fleet.parts[2] == pytest.approx(1 - FLOOR + FLOOR / 4)
    assert fleet.parts[0] == pytest.approx(FLOOR / 4)


def test_more_than_the_limit_is_divided_by_demand() -> None:
    fleet = learned(2)
    for _ in range(3):
        fleet.round({0: 3.0, 1: 1.0})
    assert fleet.parts[0] == pytest.approx(0.05 + 0.9 * 3 / 4)
    assert fleet.parts[1] == pytest.approx(0.05 + 0.9 / 4)


def test_what_nobody_asks_for_is_divided_evenly() -> None:
    fleet = learned(4)
    for _ in range(3):
        fleet.round({0: 0.4})
    assert fleet.parts[0] == pytest.approx(0.4 + 0.6 / 4)
    assert fleet.parts[3] == pytest.approx(0.6 / 4)


def test_instances_that_do_not_report_keep_their_equal_parts() -> None:
    fleet = learned(4, reporting=3)
    for _ in range(3):
        fleet.round({0: 9.0})
    assert sum(fleet.parts.values()) <= 3 / 4 + 1e-9
    assert fleet.parts[0] == pytest.approx(3 / 4 * (0.9 + 0.1 / 4), rel=0.05)


def test_a_platform_that_starts_anew_lets_each_keep_what_it_has() -> None:
    fleet = learned(2)
    for _ in range(3):
        fleet.round({0: 3.0})
    before = dict(fleet.parts)
    fleet.ledger = ShareLedger(fleet.clock)
    fleet.round({0: 3.0, 1: 3.0})
    assert fleet.parts[0] <= before[0]
    assert fleet.parts[1] <= before[1]
    for _ in range(2 * LEASE_PERIODS):
        fleet.round({0: 3.0, 1: 3.0})
    assert fleet.parts[0] == pytest.approx(0.5)
    assert fleet.parts[1] == pytest.approx(0.5)


def test_there_is_a_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pie.platform.govern.shares.MAX_ENTRIES", 6)
    fleet = Fleet(4)
    with pytest.raises(LimitExceeded, match="3 processes"):
        fleet.round({})
    fleet.clock.advance(100)
    fleet.report(0, 1.0)  # The others are forgotten.


wants = st.sampled_from([0.0, 0.01, 0.3, 1.0, 40.0])
events = st.lists(
    st.one_of(
        st.tuples(st.just("report"), st.integers(0, 3), wants),
        st.tuples(st.just("wait"), st.sampled_from([0.1, 1.0, 5.0, 11.0]), st.just(0.0)),
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(events=events)
def test_the_sum_is_never_more_than_the_limit_and_the_stated_overshoot(events: list[tuple]) -> None:
    """Whoever reports when: leases, floors and the equal parts of those without a lease."""
    fleet = learned(4)
    for kind, what, amount in events:
        if kind == "wait":
            fleet.clock.advance(what)
        else:
            fleet.report(what, amount)
        now = fleet.clock.monotonic()
        leased = [fleet.parts[each] for each in fleet.parts if fleet.ends[each] > now]
        assert sum(leased) <= 1 + FLOOR + 1e-9
        assert all(0 < part <= 1 for part in leased)
