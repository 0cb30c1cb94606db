"""Random, damaged and hostile bytes and values for the codec in C, as a script.

Run by ``tests/core/test_sanitized.py`` with an extension that checks every access to memory, and by
``test_codec_hostile.py`` within a bound on memory. Arguments: how many rounds, and the seed.
"""

import gc
import struct
import sys
from random import Random

from tests.core.random_thrift import damage, forget, random_module, random_struct, spoil

from pie._core import native, reason
from pie.thrift import CodecError

NAMES = ("Node", "Other", "Leaf", "Choice", "Broken")
PROTOCOLS = ("binary", "compact")


def read(cls, data, protocol, **options):
    """What is read can be written, and read again."""
    try:
        value = native.decode(cls, data, protocol=protocol, **options)
    except CodecError as error:
        assert str(error).startswith(cls.__name__)
        return
    try:
        again = native.encode(value, protocol=protocol)
    except CodecError as error:  # A union whose member is not known is read, and not written.
        assert "a union has exactly one field set, this one has 0" in str(error)
        return
    native.decode(cls, again, protocol=protocol)


def hostile(random):
    """Bytes that name sizes, or nest, beyond all bounds."""
    sizes = (1 << 31) - 1, 1 << 24, 1 << 16, (1 << 32) - 1
    for code in range(17):
        for number in (1, 2, 3, 17, 9999):
            head = struct.pack(">Bh", code, number)
            yield head + struct.pack(">I", random.choice(sizes)) + b"abc"
            yield head + bytes([random.randrange(17)]) + struct.pack(">I", random.choice(sizes))
            yield head + b"\x0c\x0b" + struct.pack(">I", random.choice(sizes)) + b"\x00" * 9
            yield head * 3000
            yield bytes([0x10 | code & 15]) * 3000
            yield bytes([code & 15]) + b"\xce\x0f" + b"\x19\x1c" * 3000
            yield bytes([0x10 | code & 15]) + b"\xff" * random.randint(1, 12)
            yield bytes([0x10 | code & 15, 0xF0 | random.randrange(16)]) + b"\xff\xff\xff\x7f"
    for _ in range(50):
        yield random.randbytes(random.randint(0, 300))


def one_round(random):
    module = random_module(random)
    classes = [getattr(module, name) for name in NAMES]
    for _ in range(20):
        protocol = random.choice(PROTOCOLS)
        cls = random.choice(classes)
        value = random_struct(random, cls)
        data = native.encode(value, protocol=protocol)
        for cut in range(0, len(data), max(1, len(data) // 40)):
            read(cls, data[:cut], protocol)
        for _ in range(10):
            bytes_ = damage(random, data)
            read(random.choice(classes), bytes_, protocol)
            read(cls, bytes_, protocol, decoded_limit=5000, max_depth=random.randint(0, 9))
        spoil(random, value)
        try:
            native.encode(value, protocol=protocol)
        except CodecError as error:
            assert str(error).startswith(cls.__name__)
    for data in hostile(random):
        read(random.choice(classes), data, random.choice(PROTOCOLS), max_depth=1 << 40)
    forget(module)


def main():
    assert native is not None, reason
    rounds, seed = int(sys.argv[1]), int(sys.argv[2])
    for number in range(rounds):
        # In some rounds everything that is made may be looked at while it is made.
        gc.set_threshold(1 if number % 8 == 0 else 700)
        one_round(Random(seed + number))
    print(f"{rounds} rounds from seed {seed}")


if __name__ == "__main__":
    main()
