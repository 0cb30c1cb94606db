"""Leases end by themselves, except for the time in which nobody could hear a keep-alive."""

from pie.state import MemoryStore
from pie.state.store.expiry import ExpiryThread


def test_the_thread_ends_leases(until):
    store = MemoryStore()
    expiry = ExpiryThread(store, period=0.01)
    expiry.start()
    store.put("/k", "v", lease=store.grant(0.1))
    until(lambda: store.get("/k") is None, "the lease to end")
    expiry.stop()


def test_a_pause_of_the_store_itself_does_not_count(clock, until):
    store = MemoryStore(clock=clock)
    lease = store.grant(10)
    store.put("/k", "v", lease=lease)
    expiry = ExpiryThread(store, clock=clock, period=0.01)
    ticks: list[float] = []
    expire = store.expire
    store.expire = lambda: ticks.append(clock.now) or expire()  # type: ignore[method-assign]
    expiry.start()
    until(lambda: ticks, "the first tick")
    clock.now += 100  # the machine slept
    paused = clock.now
    until(lambda: ticks[-1] == paused, "a tick after the pause")
    expiry.stop()
    assert store.get("/k") is not None
    clock.now += 11
    store.expire()
    assert store.get("/k") is None


def test_stopping_what_was_never_started():
    ExpiryThread(MemoryStore()).stop()
