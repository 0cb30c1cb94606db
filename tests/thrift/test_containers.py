"""Sets and maps of what Python cannot hash: lists and pairs there, sets and maps on the wire."""

import pytest

from pie.thrift import CodecError, Protocol, decode, encode, load_idl, load_module
from pie.thrift.dynamic import services
from pie.thrift.json_example import example
from pie.thrift.json_form import JsonFormError, from_json, to_json
from pie.thrift.types import StructType

IDL = """
enum Empty {}
struct Point { 1: i32 x }
typedef map<Point, list<i8>> Shades
struct Bag {
    1: set<Point> points,
    2: set<list<bool>> rows,
    3: Shades shades,
    4: map<set<i8>, map<map<i8, i8>, Empty>> deep,
    i16 unnumbered,
}
service Box { Shades mix(1: set<Point> points = [{"x": 1}], 2: map<binary, Empty> by_bytes) }
"""


@pytest.fixture(scope="module")
def bag():
    return load_module(IDL)


def full(bag):
    point = bag.Point
    return bag.Bag(
        [point(1), point(2)],
        [[True], []],
        [(point(3), [4, 5])],
        [({6}, [({7: 8}, 9)])],
        unnumbered=10,
    )


def test_the_wire_is_that_of_sets_and_maps(bag):
    value = bag.Bag(points=[bag.Point(1)], shades=[(bag.Point(2), [3])], unnumbered=-1)
    assert encode(value).hex(" ") == (
        "0e 00 01 0c 00 00 00 01 08 00 01 00 00 00 01 00 "
        "0d 00 03 0c 0f 00 00 00 01 08 00 01 00 00 00 02 00 03 00 00 00 01 03 "
        "06 ff ff ff ff 00"
    )
    assert decode(bag.Bag, encode(value)) == value


@pytest.mark.parametrize("protocol", list(Protocol))
def test_what_is_written_is_read_again(bag, protocol):
    data = encode(full(bag), protocol=protocol)
    assert decode(bag.Bag, data, protocol=protocol) == full(bag)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"points": {1}}, r"Bag\.points: expected list, got \{1\}"),
        ({"points": [3]}, r"Bag\.points\[0\]: expected Point, got 3"),
        ({"shades": {}}, r"Bag\.shades: expected list of pairs, got \{\}"),
        ({"shades": [1]}, r"Bag\.shades\[0\]: expected a pair \(key, value\), got 1"),
        ({"shades": [(None, [])]}, r"Bag\.shades\[None\]: expected Point, got None"),
    ],
)
def test_what_does_not_fit_is_named(bag, fields, message):
    with pytest.raises(CodecError, match=message):
        encode(bag.Bag(**fields))


def test_in_json_such_maps_are_arrays_of_pairs(bag):
    kind = StructType(bag.Bag)
    data = {
        "points": [{"x": 1}, {"x": 2}],
        "rows": [[True], []],
        "shades": [[{"x": 3}, [4, 5]]],
        "deep": [[[6], [[{"7": 8}, 9]]]],
        "unnumbered": 10,
    }
    assert to_json(kind, full(bag)) == data
    assert from_json(kind, data) == full(bag)
    shown = example(kind)
    assert shown["shades"] == [[{"x": 0}, [0]]]
    assert shown["deep"] == [[[0], [[{"0": 0}, 0]]]]
    assert to_json(kind, from_json(kind, shown)) == shown
    with pytest.raises(JsonFormError, match=r"shades: expected an array of pairs \(map<Point, lis"):
        from_json(kind, {"shades": {}})
    with pytest.raises(JsonFormError, match=r"shades\[0\]: expected a pair \[key, value\], got an"):
        from_json(kind, {"shades": [[{}]]})


def test_examples_of_keys_are_keys(bag):
    kind = StructType(bag.Box.methods["mix"].args)
    shown = example(kind)
    assert shown == {"points": [{"x": 1}], "by_bytes": {"a2V5": 0}}
    assert from_json(kind, shown).by_bytes == {b"key": 0}


def test_classes_made_without_source_hold_the_same(bag):
    method = services(load_idl("a.thrift", {"a.thrift": IDL}.__getitem__))["Box"].methods["mix"]
    args, made = method.args(), bag.Box.methods["mix"].args()
    assert [point.x for point in args.points] == [1]
    assert encode(args) == encode(made)
