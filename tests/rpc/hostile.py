"""What hostile peers send: requests of every kind, damaged, and messages that are made to hurt."""

import struct
from collections.abc import Iterator
from random import Random
from types import ModuleType

from pie.thrift import BUFFERED, FRAMED, THEADER, TTHEADER, IntKey, Protocol, TTHeader, encode_call

WAYS = [
    (transport, protocol)
    for transport in (FRAMED, BUFFERED, TTHEADER, THEADER)
    for protocol in Protocol
]


def requests(demo: ModuleType, random: Random) -> Iterator[bytes]:
    """Good ones, of every method in every way."""
    methods = demo.DemoService.methods
    for transport, protocol in WAYS:
        header = TTHeader(
            ints={}
            if transport is THEADER
            else {IntKey.FROM_SERVICE: "toutiao.web.caller", IntKey.RPC_TIMEOUT: "1500"},
            strings={"RPC_PERSIST_LANE": "blue", "RPC_TRANSIT_ONEHOP": "1"},
            flags=0 if transport is THEADER else random.choice([0, 1]),
        )
        item = methods["GetItem"]
        for args in (
            item.args(demo.Demo2Request(ItemId=random.choice([0, 7, -3000, 404, 500]))),
            item.args(demo.Demo2Request(ItemId=1, Base=demo.base.Base(LogID="x", Caller="y"))),
        ):
            yield encode_call(item, args, 1, transport, header, protocol)
        note = methods["Note"]
        yield encode_call(note, note.args("hello"), 2, transport, header, protocol)


def damage(random: Random, data: bytes) -> bytes:
    """Some bytes changed, cut, doubled, or a number in it made absurd."""
    made = bytearray(data)
    for _ in range(random.choice([1, 1, 1, 2, 5])):
        at = random.randrange(len(made) or 1)
        match random.randrange(6):
            case 0:
                made[at : at + 1] = random.randbytes(1)
            case 1:
                del made[at:]
            case 2:
                del made[at : at + random.randrange(9)]
            case 3:
                made[at:at] = made[at : at + random.randrange(40)]
            case 4:
                absurd = random.choice([0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 24])
                size = random.choice([1, 2, 4])
                made[at : at + size] = absurd.to_bytes(4, "big")[-size:]
            case _:
                made += random.randbytes(random.randrange(60))
    return bytes(made)


def call_head(name: bytes = b"GetItem", kind: int = 1) -> bytes:
    return struct.pack(">HBBI", 0x8001, 0, kind, len(name)) + name + struct.pack(">i", 1)


def framed(message: bytes, size: int | None = None) -> bytes:
    return struct.pack(">I", len(message) if size is None else size) + message


def ttheader(blocks: bytes, message: bytes, words: int | None = None) -> bytes:
    """A frame with any blocks, with any size in their head."""
    blocks = b"\x00\x00" + blocks
    blocks += bytes(-len(blocks) % 4)
    words = len(blocks) // 4 if words is None else words
    return framed(struct.pack(">HHIH", 0x1000, 0, 1, words) + blocks + message)


def made_to_hurt() -> Iterator[bytes]:
    """Absurd sizes, depths, counts, types, headers and names."""
    head = call_head()
    bodies = [
        b"\x0b\x00\x01\x7f\xff\xff\xff",  # A string,
        b"\x0f\x00\x01\x0c\x7f\xff\xff\xff",  # a list,
        b"\x0d\x00\x01\x0b\x0f\x7f\xff\xff\xff",  # a map of 2 Gi;
        b"\x0f\x00\x01\x08\xff\xff\xff\xff",  # a negative size.
        b"\x0c\x00\x01" * 20_000,  # Structs in structs,
        b"\x0f\x00\x01" + b"\x0f\x00\x00\x00\x01" * 20_000,  # lists in lists,
        b"\x0d\x00\x01" + b"\x08\x0d\x00\x00\x00\x01\x00\x00\x00\x07" * 20_000,  # maps in maps.
        b"\x0f\x00\x09\x0c\x00\x04\x00\x00" + bytes(1 << 18) + b"\x00",  # Many empty structs,
        b"\x0f\x00\x09\x02\x7f\xff\xff\xff" + bytes(100),  # and bools that are not there.
        b"\x63\x00\x01",
        b"",
        b"\x00" * 1000,
    ]
    for kind in range(6):
        yield framed(call_head(kind=kind) + b"\x00")
    for name in (b"", b"x" * 1024, b"x" * 1025, b"\xff\xfe\x00", b"Get\nItem", b"GetItem\x00"):
        yield framed(call_head(name) + b"\x00")
        yield call_head(name) + b"\x00"
    for body in bodies:
        for message in (head + body, head + body + b"\x00"):
            yield message
            yield framed(message)
            yield ttheader(b"", message)
    compact = b"\x82\x21\x01\x07GetItem"
    for body in (
        b"\x1c" * 20_000,
        b"\x18\xff\xff\xff\xff\x07",
        b"\x19\xfc\xff\xff\xff\xff\x07",
        b"\x1b\xff\xff\xff\xff\x07\xcc",
        b"\x15" + b"\xff" * 20,
        b"\x05" + b"\xff" * 20,
        b"\x1c\x25" + b"\x80" * 9 + b"\x01",
        b"\x00",
    ):
        yield compact + body
        yield framed(compact + body)
    for prefix in (b"\x82\x21", b"\x82\x21\xff\xff\xff\xff\xff\xff", b"\x82\x41\x01\x00\x00"):
        yield prefix
        yield framed(prefix)
    good = head + b"\x0c\x00\x01\x08\x00\x01\x00\x00\x00\x07\x00\x00"
    pair = b"\x00\x01k\x00\x01v"
    for blocks in (
        b"\x01\xff\xff" + pair,  # More pairs than there are.
        b"\x10\xff\xff" + b"\x00\x02\xff\xff",
        b"\x11\xff\xff",
        b"\x77",
        b"\x01\x00\x00" * 20_000,
        b"\x01\xff\xff" + b"\x00\x00\x00\x00" * 65_535,
        b"\x01\x80\x00"
        + b"".join(
            struct.pack(">H", 2) + struct.pack(">H", i) + b"\x00\x00" for i in range(0x8000)
        ),
        b"\x01\x00\x01\x00\x0dRPC_PERSIST_\xff\x00\x01\xff",
        b"\x10\x00\x03\x00\x0c\x00\x14" + b"9" * 20 + b"\x00\x02\x00\x01\xff\x00\x12\x00\x02--",
        b"\x10\x20\x00"
        + b"\x00\x03\x00\x08".join([b""] + [b"caller%02d" % (i % 90) for i in range(0x2000)]),
    ):
        yield ttheader(blocks[: 65_535 * 4 - 2], good)
        yield ttheader(blocks[:100], good, words=0xFFFF)
        yield ttheader(blocks[:100], good, words=0)
    for size in (0, 1, 2, 3, 13, 14, 15, 16, 17):
        yield framed(b"\x10\x00".ljust(size, b"\x00"), size) + bytes(20)
        yield framed(b"\x0f\xff".ljust(size, b"\x00"), size) + bytes(20)
        yield framed(b"\x80\x01".ljust(size, b"\x00"), size) + bytes(20)
    yield b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    yield b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    yield b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500)  # A TLS hello.
    yield b"\x3f\xff\xff\xff\x80\x01\x00\x01"
    yield b"\x7f\xff\xff\xff\x80\x01\x00\x01"
    yield b"\xff" * 100
