"""The codec in C does what its twin in Python does: same values, same bytes, same errors."""

import threading
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.core.outcomes import outcome
from tests.core.random_thrift import damage, random_module, random_struct, spoil
from tests.examples import examples

from pie.thrift import Protocol, load_module
from pie.thrift.codec import python as codec_python

RELAXED = settings(
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    max_examples=examples(50),
    phases=(Phase.explicit, Phase.generate),
)
PROTOCOLS = pytest.mark.parametrize("protocol", Protocol)
MODULES = [random_module(Random(seed)) for seed in range(12)]
NAMES = ("Node", "Other", "Leaf", "Choice", "Broken")
SEEDS = st.integers(0, (1 << 32) - 1)


@PROTOCOLS
@pytest.mark.parametrize("module", MODULES, ids=range(len(MODULES)))
@given(seed=SEEDS)
@RELAXED
def test_bytes_and_values_are_the_same(native, protocol, module, seed):
    random = Random(seed)
    cls = getattr(module, random.choice(NAMES))
    value = random_struct(random, cls)
    data = codec_python.encode(value, protocol=protocol)
    assert native.encode(value, protocol=protocol) == data
    expected = outcome(codec_python.decode, cls, data, protocol=protocol)
    assert outcome(native.decode, cls, data, protocol=protocol) == expected
    assert expected[0] == "value"


@PROTOCOLS
@pytest.mark.parametrize("module", MODULES, ids=range(len(MODULES)))
@given(seed=SEEDS)
@RELAXED
def test_wrong_values_are_reported_in_the_same_words(native, protocol, module, seed):
    random = Random(seed)
    value = random_struct(random, getattr(module, random.choice(NAMES)))
    spoil(random, value)
    expected = outcome(codec_python.encode, value, protocol=protocol)
    assert outcome(native.encode, value, protocol=protocol) == expected


@PROTOCOLS
@pytest.mark.parametrize("module", MODULES, ids=range(len(MODULES)))
@given(seed=SEEDS)
@RELAXED
def test_damaged_bytes_are_reported_in_the_same_words(native, protocol, module, seed):
    random = Random(seed)
    cls = getattr(module, random.choice(NAMES))
    data = codec_python.encode(random_struct(random, cls), protocol=protocol)
    for _ in range(5):
        hostile = damage(random, data)
        other = getattr(module, random.choice((cls.__name__, *NAMES)))
        for limits in ({}, {"max_depth": random.randint(0, 4)}, {"decoded_limit": 400}):
            options = {"protocol": protocol, **limits}
            expected = outcome(codec_python.decode, other, hostile, **options)
            assert outcome(native.decode, other, hostile, **options) == expected


@PROTOCOLS
@given(data=st.binary(max_size=60))
@settings(RELAXED, max_examples=examples(500))
def test_any_bytes_are_read_the_same(native, protocol, every, data):
    for cls in (every.Every, every.Choice, every.Fresh, every.Empty):
        expected = outcome(codec_python.decode, cls, data, protocol=protocol)
        assert outcome(native.decode, cls, data, protocol=protocol) == expected


@PROTOCOLS
@pytest.mark.parametrize("count", [41, 64, 65, 256, 257, 1000])
def test_structs_of_many_fields(native, protocol, count):
    fields = (f"{number * 30}: optional i32 f{number}" for number in range(1, count + 1))
    wide = load_module(f"struct Wide {{ {', '.join(fields)} }}").Wide
    for value in (
        wide(),
        wide(**{f"f{number}": number for number in range(1, count + 1, 3)}),
        wide(*range(count)),
    ):
        data = codec_python.encode(value, protocol=protocol)
        assert native.encode(value, protocol=protocol) == data
        assert native.decode(wide, data, protocol=protocol) == value
        for end in range(0, len(data), 1 + len(data) // 50):
            expected = outcome(codec_python.decode, wide, data[:end], protocol=protocol)
            assert outcome(native.decode, wide, data[:end], protocol=protocol) == expected


@PROTOCOLS
def test_depth_beyond_what_python_nests(native, protocol, every):
    """As deep as is ever allowed, in a thread of little stack; one more level is an error."""
    value = every.Every()
    for _ in range(999):
        value = every.Every(inner=value)
    results = []

    def run():
        data = native.encode(value, protocol=protocol, max_depth=5000)
        read = native.decode(every.Every, data, protocol=protocol, max_depth=5000)
        results.append(native.encode(read, protocol=protocol, max_depth=5000) == data)
        results.append(native.decode(every.Empty, data, protocol=protocol, max_depth=5000))
        deeper = every.Every(inner=value)
        results.append(outcome(native.encode, deeper, protocol=protocol, max_depth=5000)[1][-20:])

    before = threading.stack_size(1 << 20)
    try:
        thread = threading.Thread(target=run)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    assert results == [True, every.Empty(), "does the value contain itself?"[-20:]]
