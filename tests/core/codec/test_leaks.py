"""Nothing is left behind: of values, of errors, of classes."""

import gc
import sys
from random import Random

import pytest
from tests.core.outcomes import outcome
from tests.core.random_thrift import (
    EVERYTHING,
    damage,
    forget,
    random_module,
    random_struct,
    spoil,
)

from pie.thrift import Protocol, load_module

ROUNDS = 150
"""More than what Python itself may keep in the course of a test, by which one leak would grow."""


def growth(act, rounds):
    """Blocks of memory that rounds leave behind, after as many have filled what is kept."""
    for _ in range(rounds):
        act()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(rounds):
        act()
    gc.collect()
    return sys.getallocatedblocks() - before


@pytest.fixture(scope="module")
def cases():
    random = Random(7)
    module = random_module(random)
    names = ("Node", "Other", "Leaf", "Choice", "Broken")
    return [random_struct(random, getattr(module, random.choice(names))) for _ in range(60)]


@pytest.mark.parametrize("protocol", Protocol)
def test_values_and_bytes(native, cases, protocol):
    def act():
        for value in cases:
            native.decode(type(value), native.encode(value, protocol=protocol), protocol=protocol)

    assert growth(act, ROUNDS) < ROUNDS


@pytest.mark.parametrize("protocol", Protocol)
def test_errors(native, cases, protocol):
    def act():
        random = Random(3)
        for value in cases:
            data = native.encode(value, protocol=protocol)
            for _ in range(8):
                hostile = damage(random, data)
                outcome(native.decode, type(value), hostile, protocol=protocol)
            broken = native.decode(type(value), data, protocol=protocol)
            spoil(random, broken)
            outcome(native.encode, broken, protocol=protocol)

    assert growth(act, ROUNDS) < ROUNDS


def test_references_to_what_is_shared(native, every):
    """Defaults, members of enums and classes are handed out over and over."""
    leaf = every.Leaf(1)
    data = native.encode(every.Every(color=every.Color.RED, leaf=leaf, fresh=every.Fresh()))
    shared = (None, True, False, every.Color.RED, every.Leaf, every.Every, every.Fresh)
    native.decode(every.Every, data)
    before = [sys.getrefcount(each) for each in shared]
    for _ in range(1000):
        native.decode(every.Every, data)
        outcome(native.decode, every.Every, data[:-1])
        outcome(native.decode, every.Leaf, b"\0")
        outcome(every.Leaf, 1, 2, 3)
        every.Leaf(1, tags=None)
    after = [sys.getrefcount(each) for each in shared]
    assert max(now - then for now, then in zip(after, before, strict=True)) < 50


def test_classes(native):
    def act():
        module = load_module(EVERYTHING)
        native.decode(module.Every, native.encode(module.Every(leaf=module.Leaf(1))))
        forget(module)

    assert growth(act, 3) < 1500


def test_classes_that_are_in_themselves_and_in_each_other(native):
    def act():
        module = load_module(
            "struct Tree { 1: i32 size, 2: list<Tree> parts, 3: optional Leaf leaf }"
            "struct Leaf { 1: map<i32, Tree> above }"
        )
        tree = module.Tree(1, [module.Tree(2)], module.Leaf({}))
        native.decode(module.Tree, native.encode(tree))
        forget(module)

    def programs():
        gc.collect()
        return sum(type(each) is native.Program for each in gc.get_objects())

    before = programs()
    for _ in range(5):
        act()
    assert programs() <= before
