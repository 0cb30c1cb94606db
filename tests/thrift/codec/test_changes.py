"""Values that change while they are written, and classes that describe what cannot be."""

import pytest

from pie.thrift import CodecError, Protocol, decode, encode, load_module
from pie.thrift.structs import Struct
from pie.thrift.types import I32, Field

IDL = """
struct Leaf { 1: i32 size }
struct All {
    1: list<Leaf> leaves,
    2: map<i32, Leaf> named,
    3: set<Leaf> several,
    4: map<Leaf, i32> sizes,
}
"""


@pytest.fixture(scope="module")
def module():
    return load_module(IDL)


def doing(module, act):
    """A Leaf that does something when it is written."""
    size = property(lambda self: act() or 1, lambda self, value: None)
    return type("Doing", (module.Leaf,), {"size": size})(1)


@pytest.mark.parametrize("protocol", Protocol)
@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("name", ["leaves", "several"])
def test_a_list_that_changes_is_refused(module, protocol, at, name):
    for change in (list.clear, lambda leaves: leaves.append(module.Leaf(3))):
        leaves = [module.Leaf(1), module.Leaf(2)]
        leaves.insert(at, doing(module, lambda change=change, leaves=leaves: change(leaves)))
        with pytest.raises(CodecError, match=rf"^All\.{name}: the list changed while it was being"):
            encode(module.All(**{name: leaves}), protocol=protocol)


@pytest.mark.parametrize("protocol", Protocol)
@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_map_that_changes_its_size_is_refused(module, protocol, at):
    for change in (dict.clear, lambda named: named.update({9: module.Leaf(3)})):
        named = {number: module.Leaf(number) for number in range(3)}
        named[at] = doing(module, lambda change=change, named=named: change(named))
        with pytest.raises(CodecError, match=r"^All\.named: the map changed while it was being"):
            encode(module.All(named=named), protocol=protocol)


@pytest.mark.parametrize("protocol", Protocol)
def test_a_map_with_another_key_has_as_many_entries_as_it_says_or_is_refused(module, protocol):
    for taken in range(4):
        named = {number: module.Leaf(number) for number in range(5)}

        def change(named=named, taken=taken):
            named.pop(taken)
            named[9] = module.Leaf(9)

        named[1] = doing(module, change)
        try:
            data = encode(module.All(named=named), protocol=protocol)
        except CodecError as error:
            assert "the map changed" in str(error)
        else:
            assert len(decode(module.All, data, protocol=protocol).named) == 5


def test_pairs_are_written_as_they_were_when_it_began(module):
    pairs = [(module.Leaf(1), 1)]
    pairs.insert(0, (doing(module, pairs.clear), 2))
    assert len(decode(module.All, encode(module.All(sizes=pairs))).sizes) == 2


def test_a_list_is_what_its_iterator_says(module):
    class Twice(list):
        def __iter__(self):
            return iter([*super().__iter__()] * 2)

    leaves = Twice([module.Leaf(1)])
    assert decode(module.All, encode(module.All(leaves=leaves))).leaves == [module.Leaf(1)] * 2


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ((1, 1), r"two fields of Odd have the id 1"),
        ((3, 2, 3, 2), r"two fields of Odd have the id 2"),
        ((1, 1 << 15), r"a field with the id 32768: ids have 16 bits"),
        ((-(1 << 15) - 1,), r"a field with the id -32769: ids have 16 bits"),
    ],
)
def test_ids_that_cannot_be_are_refused(ids, message):
    names = [f"f{index}" for index in range(len(ids))]

    class Odd(Struct):
        __slots__ = tuple(names)
        __fields__ = tuple(
            Field(number, name, I32) for number, name in zip(ids, names, strict=True)
        )

        def __init__(self):
            for name in names:
                setattr(self, name, None)

    with pytest.raises(TypeError, match=message):
        encode(Odd())
    with pytest.raises(TypeError, match=message):
        decode(Odd, b"\0")
