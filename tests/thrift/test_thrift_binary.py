"""The binary codec: round trips, wrong values, hostile bytes."""

import struct
import tracemalloc
from enum import IntEnum

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pie.thrift import (
    CodecError,
    EnumType,
    ListType,
    MapType,
    SetType,
    StructType,
    decode,
    encode,
    load_module,
)

RELAXED = settings(
    derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), max_examples=60
)
INTS = {"i8": 8, "i16": 16, "i32": 32, "i64": 64}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
SCALARS = {
    "bool": st.booleans(),
    "double": st.floats(allow_nan=False),
    "string": TEXT,
    "binary": st.binary(max_size=6),
}


def values(kind, depth=3):
    """Any value of a field's type."""
    if isinstance(kind, EnumType):
        return st.sampled_from(list(kind.enum)) | st.integers(-5, 40).filter(
            lambda n: n not in set(kind.enum)
        )
    if isinstance(kind, ListType):
        return st.lists(values(kind.element, depth - 1), max_size=2)
    if isinstance(kind, SetType):
        return st.sets(values(kind.element, depth - 1), max_size=3)
    if isinstance(kind, MapType):
        return st.dictionaries(
            values(kind.key, depth - 1), values(kind.value, depth - 1), max_size=2
        )
    if isinstance(kind, StructType):
        return structs(kind.cls, depth - 1)
    if kind.name in INTS:
        limit = 1 << (INTS[kind.name] - 1)
        return st.integers(-limit, limit - 1)
    return SCALARS[kind.name]


def structs(cls, depth=3):
    """Any instance of a struct class; one field for a union."""
    fields = [f for f in cls.__fields__ if depth > 0 or f.requiredness == "required"]
    if cls.__name__ == "Choice":
        return st.one_of(
            values(f.type, depth).map(lambda v, attr=f.attr: cls(**{attr: v}))
            for f in cls.__fields__
        )
    parts = {
        f.attr: values(f.type, depth)
        if f.requiredness == "required"
        else st.none() | values(f.type, depth)
        for f in fields
    }
    return st.fixed_dictionaries(parts).map(lambda given: cls(**given))


@given(data=st.data())
@RELAXED
def test_what_is_written_is_read_again(rich, data):
    value = data.draw(structs(rich.Rich))
    assert decode(rich.Rich, encode(value)) == value


def test_bytes_are_those_of_the_protocol(demo2):
    value = demo2.Demo2Item(258, "é")
    assert encode(value).hex(" ") == (
        "0a 00 01 00 00 00 00 00 00 01 02 0b 00 02 00 00 00 02 c3 a9 00"
    )
    assert encode(demo2.DemoService_Ping_args()) == b"\0"


def test_defaults_fill_what_was_not_sent(rich):
    assert decode(rich.Defaults, b"\0") == rich.Defaults()
    assert decode(rich.Rich, b"\0") == rich.Rich()


def test_enums_are_members_and_unknown_numbers_stay_numbers(rich):
    value = decode(rich.Rich, encode(rich.Rich(color=2, by_color={99: rich.Leaf(1)})))
    assert value.color is rich.Color.GREEN
    assert isinstance(value.color, IntEnum)
    assert value.by_color == {99: rich.Leaf(1)}


def test_a_reader_skips_what_it_does_not_know(rich):
    made = load_module("struct Old { 7: string text, 300: string far, 1: i32 flag }")
    full = rich.Rich(
        flag=True,
        tiny=1,
        real=1.5,
        text="x",
        numbers=[1, 2],
        names={"a"},
        counts={"a": 1},
        leaves=[rich.Leaf(1, ["t"])],
        tree={1: [rich.Leaf(2)]},
        grid=[[True], []],
        choice=rich.Choice(number=1),
        inner=rich.Rich(medium=1),
        far="y",
    )
    # Field 1 is a bool there and an i32 here: not the same field, so it is passed over.
    assert decode(made.Old, encode(full)) == made.Old(text="x", far="y")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda r: r.Rich(flag=1), "Rich.flag: expected bool, got 1"),
        (lambda r: r.Rich(tiny=128), "Rich.tiny: 128 is out of the range of i8 (-128..127)"),
        (lambda r: r.Rich(large=1 << 63), "is out of the range of i64"),
        (lambda r: r.Rich(large=1.5), "Rich.large: expected int, got 1.5"),
        (lambda r: r.Rich(medium=True), "Rich.medium: expected int, got True"),
        (lambda r: r.Rich(real="x"), "Rich.real: expected float, got 'x'"),
        (lambda r: r.Rich(real=True), "Rich.real: expected float, got True"),
        (lambda r: r.Rich(real=10**400), "is out of the range of double"),
        (lambda r: r.Rich(text=b"x"), "Rich.text: expected str, got b'x'"),
        (lambda r: r.Rich(text="\ud800"), "is not valid Unicode text"),
        (lambda r: r.Rich(blob="x"), "Rich.blob: expected bytes, got 'x'"),
        (lambda r: r.Rich(color="RED"), "Rich.color: expected int, got 'RED'"),
        (lambda r: r.Rich(numbers={1}), "Rich.numbers: expected list, got {1}"),
        (lambda r: r.Rich(names=["a"]), "Rich.names: expected set, got ['a']"),
        (lambda r: r.Rich(counts=[1]), "Rich.counts: expected dict, got [1]"),
        (lambda r: r.Rich(counts={"a": "b"}), "Rich.counts['a']: expected int, got 'b'"),
        (lambda r: r.Rich(counts={1: 1}), "Rich.counts[1]: expected str, got 1"),
        (lambda r: r.Rich(numbers=[1, None]), "Rich.numbers[1]: expected int, got None"),
        (lambda r: r.Rich(leaf=r.Rich()), "Rich.leaf: expected Leaf, got Rich(flag=None"),
        (lambda r: r.Rich(leaf=r.Leaf()), "Rich.leaf.id: required field is not set"),
        (
            lambda r: r.Rich(tree={3: [r.Leaf(1), r.Leaf(2, [5])]}),
            "Rich.tree[3][1].tags[0]: expected str, got 5",
        ),
        (lambda r: r.Rich(choice=r.Choice()), "Rich.choice: a union has exactly one field set"),
        (lambda r: r.Choice(1, "x"), "Choice: a union has exactly one field set, this one has 2"),
    ],
)
def test_a_wrong_value_is_named_by_its_path(rich, make, message):
    with pytest.raises(CodecError) as caught:
        encode(make(rich))
    assert message in str(caught.value)
    assert caught.value.path in str(caught.value)


def test_ints_pass_for_floats_and_tuples_for_lists(rich):
    value = rich.Rich(real=2, numbers=(1, 2), names=frozenset("a"), blob=bytearray(b"x"))
    assert decode(rich.Rich, encode(value)) == rich.Rich(
        real=2.0, numbers=[1, 2], names={"a"}, blob=b"x"
    )


def test_a_value_that_contains_itself_is_refused(rich):
    loop = rich.Rich()
    loop.inner = loop
    with pytest.raises(CodecError, match="nested too deep: does the value contain itself"):
        encode(loop)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "Rich: the bytes end before the value does"),
        (b"\x08\x00", "Rich: the bytes end before the value does"),
        (b"\x08\x00\x04\x00", "Rich.medium: the bytes end before the value does"),
        (b"\0x", "Rich: 1 bytes left over after the struct"),
        (b"\x0b\x00\x07\xff\xff\xff\xff", "Rich.text: declares -1 bytes, 0 are left"),
        (b"\x0b\x00\x07\x7f\xff\xff\xffab", "Rich.text: declares 2147483647 bytes, 2 are left"),
        (b"\x0b\x00\x07\x00\x00\x00\x01\xff\0", "Rich.text: is not UTF-8: invalid start byte at"),
        (b"\x0f\x00\x0a\x08\x7f\xff\xff\xff\0", "numbers: declares 2147483647 elements, 1 bytes"),
        (b"\x0f\x00\x0a\x08\xff\xff\xff\xff\0", "numbers: declares -1 elements, 1 bytes are left"),
        (b"\x0f\x00\x0e\x0c\x00\x00\x00\x09\0\0", "Rich.leaves: declares 9 elements, 2 bytes are"),
        (
            b"\x0f\x00\x0a\x0b\x00\x00\x00\x01\0\0\0\0",
            "holds elements of type code (11,), expected",
        ),
        (b"\x0d\x00\x0c\x0b\x0a\x00\x00\xff\xff\0", "counts: declares 65535 elements, 1 bytes"),
        (b"\x0c\x00\x0d\0\0", "Rich.leaf.id: required field is missing"),
        (b"\x0c\x00\x11\0\0", "Rich.choice: a union has exactly one field set, this one has 0"),
        (b"\x63\x00\x63\0", "Rich.<unknown field 99>: type code 99 at byte 3 does not exist"),
        (b"\x0b\x00\x63\xff\xff\xff\xff", "unknown field 99>: negative size -1 at byte 3"),
        (b"\x0f\x00\x63\x08\x7f\xff\xff\xff", "Rich.<unknown field 99>: the bytes end before"),
    ],
)
def test_malformed_bytes_are_named(rich, data, message):
    with pytest.raises(CodecError) as caught:
        decode(rich.Rich, data)
    assert message in str(caught.value)


@pytest.mark.parametrize("field_id", [18, 999], ids=["known", "unknown"])
def test_depth_is_limited(rich, field_id):
    head = b"\x0c" + struct.pack(">h", field_id)
    allowed = head * 63 + b"\0" * 64
    decode(rich.Rich, allowed)
    for depth in (64, 5000, 100_000):
        with pytest.raises(CodecError, match="nested"):
            decode(rich.Rich, head * depth + b"\0" * (depth + 1))
    nested_lists = b"\x0f\x03\xe7" + b"\x0f\0\0\0\1" * 100_000
    with pytest.raises(CodecError, match="nested"):
        decode(rich.Rich, nested_lists)


def test_hostile_sizes_cost_no_memory(rich):
    sizes = (1 << 31) - 1, 1 << 24, 70_000
    frames = []
    for size in sizes:
        packed = struct.pack(">i", size)
        frames += [
            b"\x0b\x00\x07" + packed,
            b"\x0b\x00\x08" + packed,
            b"\x0f\x00\x0e\x0c" + packed,
            b"\x0e\x00\x0b\x0b" + packed,
            b"\x0d\x00\x0c\x0b\x0a" + packed,
            b"\x0f\x00\x10\x0f" + packed,
            b"\x0f\x03\xe7\x02" + packed,
            b"\x0d\x03\xe7\x02\x0b" + packed,
            b"\x0f\x03\xe7\x0c" + packed,
        ]
    with pytest.raises(CodecError):
        decode(rich.Rich, frames[0])
    tracemalloc.start()
    try:
        for data in frames:
            with pytest.raises(CodecError):
                decode(rich.Rich, data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


@given(data=st.data())
@RELAXED
def test_any_cut_or_changed_bytes_are_read_or_refused(rich, data):
    """Nothing but CodecError, whatever the bytes; what is read can be written again."""
    whole = bytearray(encode(data.draw(structs(rich.Rich))))
    for _ in range(data.draw(st.integers(0, 4))):
        place = data.draw(st.integers(0, len(whole) - 1))
        whole[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    for candidate in (bytes(whole), bytes(whole[:cut])):
        try:
            value = decode(rich.Rich, candidate)
        except CodecError:
            continue
        again = encode(value)
        # Not the same bytes: a set has no order, and not an equal value: NaN is none.
        assert len(encode(decode(rich.Rich, again))) == len(again)


@given(st.binary(max_size=200))
@settings(
    derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), max_examples=300
)
def test_any_bytes_are_read_or_refused(rich, data):
    for cls in (rich.Rich, rich.Choice, rich.Defaults):
        try:
            decode(cls, data)
        except CodecError as error:
            assert str(error).startswith(cls.__name__)


def test_every_truncation_is_refused(rich):
    whole = encode(
        rich.Rich(
            True, 1, 2, 3, 4, 5.0, "six", b"seven", rich.Color.RED, [9], {"t"}, {"k": 1},
            rich.Leaf(1), [rich.Leaf(2)], {1: [rich.Leaf(3)]}, [[True]], rich.Choice(text="x"),
        )
    )  # fmt: skip
    for size in range(len(whole)):
        with pytest.raises(CodecError, match=r"the bytes end|are left|missing"):
            decode(rich.Rich, whole[:size])


AMPLIFIERS = load_module(
    "struct Empty {} struct Outer {"
    "  1: list<Empty> empties, 2: list<Wide> wides, 3: list<list<i32>> lists,"
    "  4: list<map<i32, i32>> maps, 5: list<set<bool>> sets, 6: list<string> texts,"
    "  8: list<i64> numbers,"
    "} service S { Outer Get() } struct Wide {"
    + ", ".join(f"{n}: i32 f{n}" for n in range(1, 60))
    + "}"
)


def container(number: int, code: int, element: int, count: int, data: bytes) -> bytes:
    """A struct with one field, a list or set of the same element over and over."""
    head = struct.pack(">BhBi", code, number, element, count)
    return head + data * count + b"\0"


@pytest.mark.parametrize(
    ("field", "element", "data"),
    [(1, 12, b"\0"), (2, 12, b"\0"), (3, 15, b"\x08\0\0\0\0"), (4, 13, b"\x08\x08\0\0\0\0"),
     (5, 14, b"\x02\0\0\0\0"), (6, 11, b"\0\0\0\0")],
    ids=["empties", "wides", "lists", "maps", "sets", "texts"],
)  # fmt: skip
def test_a_small_message_cannot_take_much_memory(field, element, data):
    message = container(field, 15, element, 50_000, data)
    tracemalloc.start()
    try:
        with pytest.raises(CodecError, match=r"the limit \(decoded_limit\)") as caught:
            decode(AMPLIFIERS.Outer, message, decoded_limit=1 << 20)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 << 20
    assert f"a message of {len(message)} bytes" in str(caught.value)
    assert str(caught.value).startswith("Outer.")


def test_what_fits_the_memory_limit_is_read():
    message = container(1, 15, 12, 50_000, b"\0")
    assert len(decode(AMPLIFIERS.Outer, message).empties) == 50_000
    numbers = container(8, 15, 10, 100_000, b"\x7f" * 8)
    assert len(decode(AMPLIFIERS.Outer, numbers, decoded_limit=5 << 20).numbers) == 100_000
    with pytest.raises(CodecError, match="decoded_limit"):
        decode(AMPLIFIERS.Outer, container(1, 15, 12, 2_000_000, b"\0"))
