"""The codec in both protocols: round trips, wrong values, any bytes at all."""

from enum import IntEnum
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.examples import examples

from pie.thrift import (
    CodecError,
    EnumType,
    ListType,
    MapType,
    Protocol,
    SetType,
    StructType,
    decode,
    encode,
    load_module,
)

RELAXED = settings(
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    max_examples=examples(30),
)
INTS = {"i8": 8, "i16": 16, "i32": 32, "i64": 64}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
SCALARS = {
    "uuid": st.uuids(),
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


@pytest.fixture(scope="module", params=list(Protocol))
def encoded(request):
    """``encode`` in each of the protocols."""
    return partial(encode, protocol=request.param)


@pytest.fixture(scope="module")
def decoded(encoded):
    """``decode`` in the same one."""
    return partial(decode, **encoded.keywords)


@given(data=st.data())
@RELAXED
def test_what_is_written_is_read_again(encoded, decoded, rich, data):
    value = data.draw(structs(rich.Rich))
    assert decoded(rich.Rich, encoded(value)) == value


def test_defaults_fill_what_was_not_sent(decoded, rich):
    assert decoded(rich.Defaults, b"\0") == rich.Defaults()
    assert decoded(rich.Rich, b"\0") == rich.Rich()


def test_enums_are_members_and_unknown_numbers_stay_numbers(encoded, decoded, rich):
    value = decoded(rich.Rich, encoded(rich.Rich(color=2, by_color={99: rich.Leaf(1)})))
    assert value.color is rich.Color.GREEN
    assert isinstance(value.color, IntEnum)
    assert value.by_color == {99: rich.Leaf(1)}


def test_a_reader_skips_what_it_does_not_know(encoded, decoded, rich):
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
    assert decoded(made.Old, encoded(full)) == made.Old(text="x", far="y")


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
def test_a_wrong_value_is_named_by_its_path(encoded, rich, make, message):
    with pytest.raises(CodecError) as caught:
        encoded(make(rich))
    assert message in str(caught.value)
    assert caught.value.path in str(caught.value)


def test_ints_pass_for_floats_and_tuples_for_lists(encoded, decoded, rich):
    value = rich.Rich(real=2, numbers=(1, 2), names=frozenset("a"), blob=bytearray(b"x"))
    assert decoded(rich.Rich, encoded(value)) == rich.Rich(
        real=2.0, numbers=[1, 2], names={"a"}, blob=b"x"
    )


def test_a_value_that_contains_itself_is_refused(encoded, rich):
    loop = rich.Rich()
    loop.inner = loop
    with pytest.raises(CodecError, match="nested too deep: does the value contain itself"):
        encoded(loop)


@given(data=st.data())
@RELAXED
def test_any_cut_or_changed_bytes_are_read_or_refused(encoded, decoded, rich, data):
    """Nothing but CodecError, whatever the bytes; what is read can be written again, but for a
    union of which no known field was read."""
    whole = bytearray(encoded(data.draw(structs(rich.Rich))))
    for _ in range(data.draw(st.integers(0, 4))):
        place = data.draw(st.integers(0, len(whole) - 1))
        whole[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    for candidate in (bytes(whole), bytes(whole[:cut])):
        try:
            value = decoded(rich.Rich, candidate)
        except CodecError:
            continue
        try:
            again = encoded(value)
        except CodecError as error:  # A union's field that only a newer peer knows was passed over.
            assert "a union has exactly one field set, this one has 0" in str(error)
            continue
        # Not the same bytes: a set has no order, and not an equal value: NaN is none.
        assert len(encoded(decoded(rich.Rich, again))) == len(again)


@given(st.binary(max_size=200))
@settings(
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    max_examples=examples(100),
)
def test_any_bytes_are_read_or_refused(decoded, rich, data):
    for cls in (rich.Rich, rich.Choice, rich.Defaults):
        try:
            decoded(cls, data)
        except CodecError as error:
            assert str(error).startswith(cls.__name__)


def test_every_truncation_is_refused(encoded, decoded, rich):
    whole = encoded(
        rich.Rich(
            True, 1, 2, 3, 4, 5.0, "six", b"seven", rich.Color.RED, [9], {"t"}, {"k": 1},
            rich.Leaf(1), [rich.Leaf(2)], {1: [rich.Leaf(3)]}, [[True]], rich.Choice(text="x"),
        )
    )  # fmt: skip
    for size in range(len(whole)):
        with pytest.raises(CodecError, match=r"the bytes end|are left|missing"):
            decoded(rich.Rich, whole[:size])


AMPLIFIERS = load_module(
    "struct Empty {} struct Outer {"
    "  1: list<Empty> empties, 2: list<Wide> wides, 3: list<list<i32>> lists,"
    "  4: list<map<i32, i32>> maps, 5: list<set<bool>> sets, 6: list<string> texts,"
    "  8: list<i64> numbers,"
    "} service S { Outer Get() } struct Wide {"
    + ", ".join(f"{n}: i32 f{n}" for n in range(1, 60))
    + "}"
)


@pytest.mark.parametrize(
    ("field", "element"),
    [
        ("empties", AMPLIFIERS.Empty()),
        ("wides", AMPLIFIERS.Wide()),
        ("lists", []),
        ("maps", {}),
        ("sets", set()),
        ("texts", ""),
    ],
)
def test_a_small_message_cannot_take_much_memory(memory_below, encoded, decoded, field, element):
    message = encoded(AMPLIFIERS.Outer(**{field: [element] * 50_000}))
    with memory_below(3 << 20), pytest.raises(CodecError, match="of memory, the limit") as caught:
        decoded(AMPLIFIERS.Outer, message, decoded_limit=1 << 20)
    assert f"a message of {len(message)} bytes" in str(caught.value)
    assert str(caught.value).startswith("Outer.")


def test_what_fits_the_memory_limit_is_read(encoded, decoded):
    empties = AMPLIFIERS.Outer(empties=[AMPLIFIERS.Empty()] * 50_000)
    assert len(decoded(AMPLIFIERS.Outer, encoded(empties)).empties) == 50_000
    numbers = encoded(AMPLIFIERS.Outer(numbers=[1 << 60] * 100_000))
    assert len(decoded(AMPLIFIERS.Outer, numbers, decoded_limit=5 << 20).numbers) == 100_000
    empties.empties *= 40
    with pytest.raises(CodecError, match="decoded_limit"):
        decoded(AMPLIFIERS.Outer, encoded(empties))


def test_both_protocols_say_the_same_of_a_value(rich):
    """What is refused does not hang on how it would have been written."""
    for value in (rich.Rich(flag=1), rich.Rich(tiny=200), rich.Rich(leaves=[rich.Leaf()])):
        said = []
        for protocol in Protocol:
            with pytest.raises(CodecError) as caught:
                encode(value, protocol=protocol)
            said.append(str(caught.value))
        assert said[0] == said[1]
