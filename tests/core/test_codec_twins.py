"""The codec in C does what its twin in Python does: same values, same bytes, same errors."""

from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.core.outcomes import outcome
from tests.core.random_thrift import damage, random_module, random_struct, spoil

from pie.thrift import Protocol, codec_python

RELAXED = settings(
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    max_examples=120,
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
def test_wrong_values_are_told_in_the_same_words(native, protocol, module, seed):
    random = Random(seed)
    value = random_struct(random, getattr(module, random.choice(NAMES)))
    spoil(random, value)
    expected = outcome(codec_python.encode, value, protocol=protocol)
    assert outcome(native.encode, value, protocol=protocol) == expected


@PROTOCOLS
@pytest.mark.parametrize("module", MODULES, ids=range(len(MODULES)))
@given(seed=SEEDS)
@RELAXED
def test_damaged_bytes_are_told_in_the_same_words(native, protocol, module, seed):
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
@settings(RELAXED, max_examples=2000)
def test_any_bytes_are_read_the_same(native, protocol, every, data):
    for cls in (every.Every, every.Choice, every.Fresh, every.Empty):
        expected = outcome(codec_python.decode, cls, data, protocol=protocol)
        assert outcome(native.decode, cls, data, protocol=protocol) == expected
