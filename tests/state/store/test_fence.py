"""A fenced job: two never act, whatever their clocks say."""

import threading

import pytest

from pie.state import Conflict, Fenced, FenceLost, StoreAway, Write


def test_one_holds_it_and_the_other_gets_it_afterwards(rig):
    first, second = (Fenced(rig.store, "job", 10, clock=rig.clock) for _ in range(2))
    assert first.hold() and first.held
    assert not second.hold()
    with pytest.raises(FenceLost):
        second.commit([Write("/done", "second")])
    assert first.commit([Write("/done", "first")], expect={"/done": 0})
    rig.advance(9)
    assert first.hold()
    rig.advance(9)
    assert not second.hold()
    first.release()
    assert not first.held
    assert second.hold()
    assert second.commit([Write("/done", "second")])


def test_a_holder_that_stood_still_cannot_write(rig):
    """Its own clock says that no time has passed."""

    class Stopped:
        def monotonic(self) -> float:
            return 5.0

        def wall(self) -> float:
            return 5.0

    stopped = Fenced(rig.store, "job", 10, clock=Stopped())
    assert stopped.hold()
    rig.advance(13)
    other = Fenced(rig.store, "job", 10, clock=rig.clock)
    assert other.hold()
    assert stopped.held
    with pytest.raises(FenceLost, match="/pie/locks/job is not held"):
        stopped.commit([Write("/done", "stopped")])
    assert not stopped.held
    assert rig.store.get("/done") is None
    assert not stopped.hold()
    assert other.token > 0


def test_one_token_is_one_time_of_holding(rig):
    fence = Fenced(rig.store, "job", 10, clock=rig.clock)
    assert fence.hold()
    token = fence.token
    assert fence.hold() and fence.token == token
    rig.advance(13)
    assert not fence.held
    assert fence.hold() and fence.token > token


def test_a_lock_removed_by_hand_is_noticed(rig):
    fence = Fenced(rig.store, "job", 10, clock=rig.clock)
    assert fence.hold()
    rig.store.delete(fence.key)
    with pytest.raises(FenceLost):
        fence.commit([Write("/done", "x")])
    assert fence.hold()
    assert fence.commit([Write("/done", "x")])


def test_another_conflict_loses_nothing(rig):
    fence = Fenced(rig.store, "job", 10, clock=rig.clock)
    assert fence.hold()
    rig.store.put("/done", "x")
    with pytest.raises(Conflict, match="/done is at") as conflict:
        fence.commit([Write("/done", "y")], expect={"/done": 0})
    assert not isinstance(conflict.value, FenceLost)
    assert fence.held


def test_a_put_without_an_answer_is_found_again(rig, monkeypatch):
    fence = Fenced(rig.store, "job", 10, clock=rig.clock)
    put = rig.store.put

    def lost(*args, **kwargs):
        put(*args, **kwargs)
        raise StoreAway("the answer is lost")

    monkeypatch.setattr(rig.store, "put", lost)
    with pytest.raises(StoreAway):
        fence.hold()
    assert not fence.held
    monkeypatch.undo()
    assert fence.hold()
    assert fence.commit([Write("/done", "x")])


def test_of_many_one_gets_it(rig):
    fences = [Fenced(rig.store, "job", 10, clock=rig.clock) for _ in range(6)]
    threads = [threading.Thread(target=fence.hold) for fence in fences]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(fence.held for fence in fences) == 1
