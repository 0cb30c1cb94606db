"""A fleet that comes back at once is read to in turn."""

from pie.platform.server.state_bounds import RangeBound, some_ranges
from pie.state import MemoryStore, StoreAway


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now


def test_reads_of_ranges_are_bounded_per_second():
    clock = Clock()
    bound = RangeBound(clock)

    def admitted(tries: int) -> int:
        count = 0
        for _ in range(tries):
            try:
                bound.admit()
                count += 1
            except StoreAway as error:
                assert "in turn" in error.message
        return count

    assert admitted(1000) == 200
    clock.now += 0.5
    assert admitted(1000) == 100
    clock.now += 3600
    assert admitted(1000) == 200


def test_an_answer_with_many_ranges_is_cut_off_and_asked_for_again(monkeypatch):
    store = MemoryStore()
    for number in range(10):
        store.put(f"/{number}/x", "y" * 100)
    monkeypatch.setattr("pie.platform.server.state_bounds._RANGES_CHARS", 250)
    assert list(some_ranges(store, [f"/{n}/" for n in range(10)]).found) == ["/0/", "/1/", "/2/"]
