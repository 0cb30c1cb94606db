"""The compact protocol: its bytes, and hostile ones."""

from functools import partial

import pytest

from pie.thrift import CodecError, Protocol, encode, load_module
from pie.thrift import decode as decode_any

decode = partial(decode_any, protocol=Protocol.COMPACT)
FLAGS = load_module(
    "struct Flags { 1: bool yes, 2: bool no, 40: bool far, 41: list<bool> all,"
    " 42: map<bool, bool> pairs, 43: map<i32, i32> none }"
).Flags


def packed(value):
    return encode(value, protocol=Protocol.COMPACT).hex(" ")


def test_bytes_are_those_of_the_protocol(demo2, rich):
    assert packed(demo2.Demo2Item(258, "é")) == "16 84 04 18 02 c3 a9 00"
    assert packed(demo2.DemoService_Ping_args()) == "00"
    # Little-endian doubles; ids more than 15 apart in full; a list of 15 and more.
    assert packed(rich.Rich(real=1.0)) == "67 00 00 00 00 00 00 f0 3f 00"
    assert packed(rich.Rich(flag=True, far="x")) == "11 08 d8 04 01 78 00"
    assert packed(rich.Rich(numbers=[-1] * 15)) == "a9 f5 0f " + "01 " * 15 + "00"
    assert packed(rich.Rich(numbers=[64] * 2)) == "a9 25 80 01 80 01 00"
    assert packed(rich.Rich(counts={})) == "cb 00 00"
    assert packed(rich.Rich(counts={"a": -2})) == "cb 01 86 01 61 03 00"
    # Ids begin anew in every struct, and go on behind it.
    inner = rich.Rich(inner=rich.Rich(flag=False), old_byte=-1)
    assert packed(inner) == "0c 24 12 00 13 ff 00"


def test_bools_are_in_their_fields_heads():
    value = FLAGS(True, False, True, [True, False], {True: False})
    assert packed(value) == "11 12 01 50 19 21 01 02 1b 01 11 01 02 00"
    assert decode(FLAGS, bytes.fromhex(packed(value))) == value


def test_what_others_write_is_read():
    """Elements that are false as 0, bools with the other type code, sizes longer than needed."""
    assert decode(FLAGS, b"\x09\x52\x32\x01\x02\x00\x00").all == [True, False, False]
    assert decode(FLAGS, b"\x09\x52\xf1\x81\x80\x00\x01\x00").all == [True]
    assert decode(FLAGS, b"\x0b\x54\x01\x22\x02\x01\x00").pairs == {False: True}
    assert decode(FLAGS, b"\x0b\x56\x00\x00").none == {}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "Rich: the bytes end before the value does"),
        (b"\x08", "Rich: the bytes end before the value does"),
        (b"\x45\x80", "Rich.medium: the bytes end before the value does"),
        (b"\0x", "Rich: 1 bytes left over after the struct"),
        (b"\x78\x05ab", "Rich.text: declares 5 bytes, 2 are left"),
        (b"\x78\xff\xff\xff\xff\x07ab", "Rich.text: declares 2147483647 bytes, 2 are left"),
        (b"\x78\x01\xff\0", "Rich.text: is not UTF-8: invalid start byte at"),
        (b"\xa9\xf5\xff\xff\xff\xff\x07\0", "numbers: declares 2147483647 elements, 1 bytes"),
        (b"\xa9\xf5" + b"\xff" * 9 + b"\x01\0", "numbers: declares 18446744073709551615 elements"),
        (b"\xa9\xf5" + b"\xff" * 10, "Rich.numbers: a varint of more than 10 bytes"),
        (b"\xe9\x9c\0\0", "Rich.leaves: declares 9 elements, 2 bytes are"),
        (b"\xa9\x18\0\0", "Rich.numbers: holds elements of type code (8,), expected i32"),
        (b"\xcb\xff\xff\x03\x86\0", "counts: declares 65535 elements, 1 bytes"),
        (b"\xcb\x01\x88\0\0", "counts: holds elements of type code (8, 8), expected string, i64"),
        (b"\x09\x20\x19\x11\x03\0", "Rich.grid[0][0]: holds 3, which is no bool"),
        (b"\x34\x80\x80\x04\0", "Rich.small: holds a number that does not fit 16 bits"),
        (b"\x45\x80\x80\x80\x80\x10\0", "Rich.medium: holds a number that does not fit 32 bits"),
        (b"\x56" + b"\x80" * 9 + b"\x02\0", "Rich.large: holds a number that does not fit 64 bits"),
        (b"\xdc\0\0", "Rich.leaf.id: required field is missing"),
        (b"\x0c\x22\0\0", "Rich.choice: a union has exactly one field set, this one has 0"),
        (b"\x0e\xc6\x01\0", "Rich.<unknown field 99>: type code 14 at byte 3 does not exist"),
        (b"\x10", "Rich: field 1 has type code 0, which does not exist"),
        (b"\x08\xc6\x01\x05", "Rich.<unknown field 99>: the bytes end before"),
        (b"\x09\xc6\x01\xf5\xff\xff\x7f", "Rich.<unknown field 99>: the bytes end before"),
        (b"\x05\xc6\x01" + b"\xff" * 11, "<unknown field 99>: a varint of more than 10 bytes"),
        (b"\x05\x80\x80\x04\0", "Rich: holds a number that does not fit 16 bits"),
        (b"\x01\xfe\xff\x03\xf1\0", "Rich: a field with the id 32782, the largest is 32767"),
    ],
)
def test_malformed_bytes_are_named(rich, data, message):
    with pytest.raises(CodecError) as caught:
        decode(rich.Rich, data)
    assert message in str(caught.value)


@pytest.mark.parametrize("head", [b"\x0c\x24", b"\x0c\xce\x0f"], ids=["known", "unknown"])
def test_depth_is_limited(rich, head):
    decode(rich.Rich, head * 63 + b"\0" * 64)
    for depth in (64, 5000, 100_000):
        with pytest.raises(CodecError, match="nested"):
            decode(rich.Rich, head * depth + b"\0" * (depth + 1))
    with pytest.raises(CodecError, match="nested"):
        decode(rich.Rich, b"\x09\xce\x0f" + b"\x19" * 100_000)


def test_hostile_sizes_cost_no_memory(memory_below, rich):
    frames = []
    for size in (b"\xff\xff\xff\xff\x07", b"\x80\x80\x80\x08", b"\xf0\xa2\x04"):
        frames += [
            b"\x78" + size,
            b"\x88" + size,
            b"\xe9\xfc" + size,
            b"\xba\xf8" + size,
            b"\xcb" + size + b"\x86",
            b"\x09\x20\xf9" + size,
            b"\x09\xce\x0f\xf1" + size,
            b"\x0b\xce\x0f" + size + b"\x18",
            b"\x09\xce\x0f\xfc" + size,
            b"\x08\xce\x0f" + size,
        ]
    with pytest.raises(CodecError):
        decode(rich.Rich, frames[0])
    with memory_below(1 << 20):
        for data in frames:
            with pytest.raises(CodecError):
                decode(rich.Rich, data)
