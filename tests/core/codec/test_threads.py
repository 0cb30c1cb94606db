"""Values that other threads change while they are written."""

import sys
import threading

import pytest
from tests.core.random_thrift import EVERYTHING

from pie.thrift import CodecError, load_module


class Meddling(int):
    """An element that is no int, and does something when it is shown."""

    def __new__(cls, act):
        return super().__new__(cls, 1 << 70)

    def __init__(self, act):
        self.act = act

    def __int__(self):
        self.act()
        return 1 << 70


def taking(cls, act):
    """A subclass one of whose attributes does something when it is asked for."""
    return type("Taking", (cls,), {"tags": property(lambda self: act(), lambda self, value: None)})


def test_what_is_taken_away_while_it_is_written(native, every):
    """Python that a value runs changes what is being written: no more than an error comes of it."""

    def take():
        numbers.clear()
        value.leaves.clear()
        value.leaves = value.numbers = None

    numbers = [1] * 100
    value = every.Every(numbers=numbers)
    value.leaves = [taking(every.Leaf, take)(1), *(every.Leaf(n) for n in range(50))]
    with pytest.raises(CodecError, match=r"Every\.leaves: the list changed while it was"):
        native.encode(value)

    tree = {}
    tree.update({0: [taking(every.Leaf, tree.clear)(1)], 1: []})
    with pytest.raises(CodecError, match=r"Every\.tree: the map changed while it was"):
        native.encode(every.Every(tree=tree))

    large = []
    large.append(Meddling(large.clear))
    with pytest.raises(CodecError, match="out of the range of i64"):
        native.encode(every.Every(numbers=large))


def test_threads_that_change_what_others_write(native, every):
    """Whatever the moment, what is written is whole, or an error is raised."""
    value = every.Every(numbers=[], counts={}, leaves=[])
    stop = threading.Event()
    failures = []

    def change():
        step = 0
        while not stop.is_set():
            step += 1
            value.numbers = list(range(step % 50))
            value.counts[str(step % 40)] = step
            if step % 3 == 0:
                value.counts.clear()
            value.leaves.append(every.Leaf(step))
            if step % 7 == 0:
                value.leaves = []

    def write():
        try:
            for _ in range(3000):
                try:
                    native.decode(every.Every, native.encode(value))
                except CodecError as error:
                    assert "changed while" in str(error)
        except Exception as error:
            failures.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    changers = [threading.Thread(target=change) for _ in range(2)]
    writers = [threading.Thread(target=write) for _ in range(2)]
    try:
        for thread in changers + writers:
            thread.start()
        for thread in writers:
            thread.join()
    finally:
        stop.set()
        sys.setswitchinterval(interval)
    for thread in changers:
        thread.join()
    assert not failures


def test_threads_that_meet_a_class_first(native):
    """Compiling a class runs Python; many threads may begin it at once."""
    for _ in range(10):
        module = load_module(EVERYTHING)
        gate = threading.Barrier(4)
        found = []

        def use(module=module, gate=gate, found=found):
            gate.wait()
            value = module.Every(leaf=module.Leaf(1), fresh=module.Fresh())
            found.append(native.decode(module.Every, native.encode(value)) == value)

        threads = [threading.Thread(target=use) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [True] * 4
