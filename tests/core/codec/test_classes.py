"""Classes that people change, derive and break: the codec in C sees them as its twin does."""

import copy
import gc
import pickle
import sys
import weakref
from collections import OrderedDict

import pytest
from tests.core.outcomes import outcome
from tests.core.random_thrift import EVERYTHING, forget

from pie.thrift import I32, CodecError, Field, ListType, SetType, Struct, StructType, load_module
from pie.thrift.codec import python as codec_python


@pytest.fixture
def made():
    """The same structs, as classes of their own for one test."""
    return load_module(EVERYTHING)


def both(native, value):
    """The bytes of a value, which both codecs write alike; or the error, alike too."""
    expected = outcome(codec_python.encode, value)
    assert outcome(native.encode, value) == expected
    return expected


def test_generated_classes_are_made_without_running_python(native, made):
    for name in ("Leaf", "Choice", "Every", "Fresh"):
        cls = getattr(made, name)
        outcome(native.decode, cls, b"\0")
        assert cls._pie_program.plain, name
    native.decode(made.Broken, b"\0")
    assert not made.Broken._pie_program.plain  # Exceptions keep their args.


def test_an_exception_that_was_read_can_be_raised_and_shown(native, made):
    error = made.Broken(1, "why", [made.Leaf(1)])
    read = native.decode(made.Broken, native.encode(error))
    assert read == error
    assert read.args == codec_python.decode(made.Broken, native.encode(error)).args
    with pytest.raises(made.Broken, match="why"):
        raise read


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.Leaf(),
        lambda m: m.Leaf(1, ["a"]),
        lambda m: m.Leaf(tags=None, id=3),
        lambda m: m.Leaf(*(1,), tags=()),
        lambda m: m.Fresh(),
        lambda m: m.Fresh(numbers=None),
        lambda m: m.Fresh(1, [2], None),
        lambda m: m.Empty(),
        lambda m: m.Leaf(1, 2, 3),
        lambda m: m.Leaf(1, id=2),
        lambda m: m.Leaf(other=2),
        lambda m: m.Leaf(**{"".join(("i", "d")): 5}),
        lambda m: m.Leaf(self=1),
        lambda m: m.Empty(1),
    ],
)
def test_constructing_is_the_same_before_and_after(native, made, call):
    before = outcome(call, made)
    for cls in (made.Leaf, made.Fresh, made.Empty):
        outcome(native.decode, cls, b"\0")
    assert outcome(call, made) == before


def test_defaults_that_can_change_are_made_anew(native, made):
    one, two = native.decode(made.Fresh, b"\0"), native.decode(made.Fresh, b"\0")
    one.numbers.append(2)
    assert two.numbers == [1] == made.Fresh().numbers


def test_a_constructor_put_in_later_is_called(native, made, monkeypatch):
    native.decode(made.Fresh, b"\0")
    seen = []

    def init(self, *values):
        seen.append(values)
        self.count, self.numbers, self.word = values

    with monkeypatch.context() as patch:
        patch.setattr(made.Fresh, "__init__", init)
        native.decode(made.Fresh, b"\0")
        made.Fresh(1, 2, 3)
        assert seen == [(5, None, "w"), (1, 2, 3)]
    native.decode(made.Fresh, b"\0")
    assert len(seen) == 2


def test_a_property_put_in_later_is_asked(native, made):
    value = made.Leaf(1)
    both(native, value)
    made.Leaf.id = property(lambda self: 7)
    assert both(native, value)[0] == "value"
    assert native.encode(value) == codec_python.encode(value) != b""


def test_an_attribute_that_was_deleted_is_missed(native, made):
    value = made.Leaf(1)
    native.encode(value)
    del value.tags
    assert both(native, value)[0] == "AttributeError"


def test_subclasses_answer_in_their_own_way(native, made):
    native.encode(made.Leaf(1))

    class Counted(made.Leaf):
        def __init__(self, *args):
            super().__init__(*args)
            self.extra = [self]

        @property
        def tags(self):
            return ["made", "up"]

        @tags.setter
        def tags(self, value):
            pass

    value = Counted(5)
    assert both(native, value)[0] == "value"
    assert both(native, made.Every(leaf=value, leaves=[value, made.Leaf(2)]))[0] == "value"
    read = native.decode(Counted, native.encode(made.Leaf(6, ["x"])))
    assert type(read) is Counted
    assert (read.id, read.tags, read.extra) == (6, ["made", "up"], [read])


def test_a_subclass_with_nothing_of_its_own(native, made):
    class Same(made.Leaf):
        __slots__ = ()

    assert native.decode(Same, native.encode(made.Leaf(1, ["a"]))) == Same(1, ["a"])
    assert both(native, made.Every(leaf=Same(1)))[0] == "value"


@pytest.mark.parametrize("slots", [(), ("__weakref__",), ("more",), None])
def test_instances_of_subclasses_are_freed(native, made, slots):
    native.encode(made.Leaf(1))
    space = {} if slots is None else {"__slots__": slots}
    sub = type("Sub", (made.Leaf,), {**space, "__del__": lambda self: gone.append(self.id)})
    gone: list[int] = []
    value = sub(1, [object()])
    if slots is None or "__weakref__" in slots:
        ref = weakref.ref(value)
        del value
        assert ref() is None
    else:
        del value
    assert gone == [1]
    loop = sub(2)
    loop.tags = [loop]
    del loop
    gc.collect()
    assert gone == [1, 2]


def test_what_is_freed_can_live_again(native, made):
    native.encode(made.Leaf(1))
    kept = []

    def keep(self):
        kept.append(self)

    made.Leaf.__del__ = keep
    made.Leaf(3)
    assert kept.pop().id == 3
    assert not kept


def test_cycles_are_collected(native, made):
    data = native.encode(made.Every(inner=made.Every(), leaf=made.Leaf(1)))
    read = native.decode(made.Every, data)
    assert gc.is_tracked(read)
    read.inner.inner = read
    made.Every.__del__ = lambda self: gone.append(1)
    gone: list[int] = []
    del read
    gc.collect()
    assert len(gone) == 2


def test_long_chains_are_freed_without_running_out_of_stack(native, made):
    native.encode(made.Every())
    chain = None
    for _ in range(200_000):
        chain = made.Every(inner=chain)
    del chain


def test_classes_end_with_their_modules(native):
    module = load_module(EVERYTHING)
    native.encode(module.Every(leaf=module.Leaf(1), color=module.Color.RED))
    native.decode(module.Every, b"\0")
    refs = [weakref.ref(module.Every), weakref.ref(module.Leaf)]
    forget(module)
    del module
    gc.collect()
    assert [ref() for ref in refs] == [None, None]


def test_copies_and_pickles(native, made):
    value = native.decode(made.Every, native.encode(made.Every(numbers=[1], leaf=made.Leaf(2))))
    assert copy.deepcopy(value) == value
    assert copy.copy(value).numbers is value.numbers
    sys.modules[made.__name__] = made
    assert pickle.loads(pickle.dumps(value)) == value


def test_containers_of_other_classes(native, made):
    class Backwards(list):
        def __iter__(self):
            return reversed(list(super().__iter__()))

    ordered = OrderedDict(a=1, b=2)
    ordered.move_to_end("a")
    for value in (
        made.Every(numbers=Backwards([1, 2])),
        made.Every(counts=ordered),
        made.Every(numbers=range(2)),
        made.Every(leaves=(made.Leaf(1),), names=frozenset("ab")),
    ):
        both(native, value)


def test_attributes_that_python_makes(native):
    """A struct without slots, whose constructor is somebody's own."""

    class Plain(Struct):
        __fields__ = (Field(1, "a", I32), Field(-2, "b", ListType(I32)), Field(9, "c", I32))
        calls = 0

        def __init__(self, a=None, b=None, c=None):
            Plain.calls += 1
            self.a, self.b, self.c = a, b, c

        def __getattr__(self, name):
            return None

    value = Plain(1, [2])
    del value.a
    assert both(native, value)[0] == "value"
    for protocol in ("binary", "compact"):
        data = native.encode(Plain(1, [2], 3), protocol=protocol)
        before = Plain.calls
        assert native.decode(Plain, data, protocol=protocol) == Plain(1, [2], 3)
        assert Plain.calls == before + 2


def test_sets_of_values_without_a_hash_are_lists(native, made):
    class Odd(Struct):
        __slots__ = ("leaves",)
        __fields__ = (Field(1, "leaves", SetType(StructType(made.Leaf))),)

        def __init__(self, leaves=None):
            self.leaves = leaves

    class Listed(Struct):
        __slots__ = ("leaves",)
        __fields__ = (Field(1, "leaves", ListType(StructType(made.Leaf))),)

        def __init__(self, leaves=None):
            self.leaves = leaves

    data = native.encode(Listed([made.Leaf(1)])).replace(b"\x0f", b"\x0e", 1)
    for codec in (native, codec_python):
        assert codec.decode(Odd, data).leaves == [made.Leaf(1)]
        assert codec.encode(Odd([made.Leaf(1)])) == data
        with pytest.raises(CodecError, match=r"leaves: expected list, got \{1\}"):
            codec.encode(Odd({1}))


def test_what_is_no_struct_is_reported(native):
    for wrong in (5, None, int, Struct):
        with pytest.raises(TypeError):
            native.decode(wrong, b"\0")
    with pytest.raises(TypeError, match="not a struct class"):
        native.encode(5)
    with pytest.raises(ValueError, match="protocol"):
        native.encode(5, protocol="json")
    with pytest.raises(TypeError, match="no argument"):
        native.encode(5, depth=1)
    for name in ("offset", "decoded_limit"):
        with pytest.raises(TypeError, match=f"no argument '{name}'"):
            native.encode(5, **{name: 1})


def test_bytes_of_every_kind_are_read(native, made):
    data = native.encode(made.Leaf(1, ["a"]))
    padded = b"xx" + data
    spread = memoryview(bytes(byte for each in data for byte in (each, 0)))[::2]
    for each in (data, bytearray(data), memoryview(data), spread):
        assert native.decode(made.Leaf, each) == made.Leaf(1, ["a"])
    assert native.decode(made.Leaf, padded, 2) == native.decode(made.Leaf, padded, offset=2)
    assert outcome(native.decode, made.Leaf, data, 99) == outcome(
        codec_python.decode, made.Leaf, data, 99
    )
    with pytest.raises(ValueError, match="offset"):
        native.decode(made.Leaf, data, -1)
    out = bytearray(b"before")
    native.encode_into(out, made.Leaf(1, ["a"]))
    assert out == b"before" + data


def test_two_fields_of_one_id_are_refused(native):
    class Twice(Struct):
        __slots__ = ("a", "b")
        __fields__ = (Field(1, "a", I32), Field(1, "b", I32))

    with pytest.raises(TypeError, match=r"two fields of .*Twice have the id 1"):
        native.decode(Twice, b"\0")
