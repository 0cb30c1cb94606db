"""The binary protocol: its bytes, and hostile ones."""

import struct

import pytest

from pie.thrift import (
    CodecError,
    decode,
    encode,
)


def test_bytes_are_those_of_the_protocol(demo2):
    value = demo2.Demo2Item(258, "é")
    assert encode(value).hex(" ") == (
        "0a 00 01 00 00 00 00 00 00 01 02 0b 00 02 00 00 00 02 c3 a9 00"
    )
    assert encode(demo2.DemoService_Ping_args()) == b"\0"


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


def test_hostile_sizes_cost_no_memory(memory_below, rich):
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
    with memory_below(1 << 20):
        for data in frames:
            with pytest.raises(CodecError):
                decode(rich.Rich, data)
