"""Bytes compared with other implementations, both ways: Apache Thrift and thriftpy2."""

import uuid
from enum import IntEnum
from functools import partial

import pytest
import thriftpy2
from thrift.protocol import TBinaryProtocol, TCompactProtocol
from thrift.protocol.TBase import TBase
from thrift.transport import TTransport
from thriftpy2.protocol import TCyBinaryProtocol
from thriftpy2.protocol.binary import TBinaryProtocol as Thriftpy2Binary
from thriftpy2.protocol.compact import TCompactProtocol as Thriftpy2Compact
from thriftpy2.transport import TCyMemoryBuffer
from thriftpy2.transport.memory import TMemoryBuffer

from pie.thrift import (
    BINARY,
    STRING,
    ListType,
    MapType,
    MessageType,
    Protocol,
    SetType,
    Struct,
    StructType,
    decode,
    encode,
    encode_message,
    load_module,
    read_message,
)


def plain(value):
    """A value as dicts, lists and ints, comparable between implementations."""
    if isinstance(value, Struct):
        found = {f.name: getattr(value, f.attr) for f in value.__fields__}
    elif hasattr(value, "thrift_spec"):
        spec = value.thrift_spec
        names = (
            [entry[1] for entry in spec.values()]
            if isinstance(spec, dict)
            else [entry[2] for entry in spec if entry]
        )
        found = {name: getattr(value, name) for name in names}
    elif isinstance(value, IntEnum):
        return int(value)
    elif isinstance(value, dict):
        return {plain(k): plain(v) for k, v in value.items()}
    elif isinstance(value, (set, frozenset)):
        return sorted(value)  # thriftpy2 reads sets as lists
    elif isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    else:
        return value
    return {name: plain(item) for name, item in found.items() if item is not None}


def sample(rich):
    def leaf(number):
        return rich.Leaf(number, [f"tag {number}", "ü", ""])

    value = rich.Rich(
        flag=True,
        tiny=-128,
        small=32767,
        medium=-(1 << 31),
        large=(1 << 63) - 1,
        real=-0.125,
        text="grüße 🌍",
        blob=b"\x00\xff\xfe",
        color=rich.Color.BLUE,
        numbers=[1, -1, 0],
        names={"only"},
        counts={"a": 1, "b": -2},
        leaf=leaf(1),
        leaves=[leaf(2), rich.Leaf(3)],
        tree={5: [leaf(4)], -5: []},
        grid=[[True, False], []],
        choice=rich.Choice(leaf=leaf(6)),
        old_byte=127,
        reals=[1e300, 0.0],
        by_color={rich.Color.RED: leaf(7)},
        far="away",
    )
    value.inner = rich.Rich(text="inner", inner=rich.Rich(flag=False))
    return value


# Apache Thrift: classes as its own compiler makes them.


def apache_class(cls, made):
    """The class for one of ours, and for all it refers to. ``made`` holds what is known."""
    if cls not in made:
        names = [f.name for f in cls.__fields__]

        def init(self, **given):
            self.__dict__.update(dict.fromkeys(names), **given)

        theirs = type(cls.__name__, (TBase,), {"__init__": init})
        made[cls] = [theirs, None]
        spec = [None] * (max(f.id for f in cls.__fields__) + 1)
        for f in cls.__fields__:
            spec[f.id] = (f.id, int(f.type.code), f.name, apache_type(f.type, made), None)
        theirs.thrift_spec = made[cls][1] = tuple(spec)
    return made[cls]


def apache_type(kind, made):
    if kind == STRING:
        return "UTF8"
    if kind == BINARY:
        return "BINARY"
    if isinstance(kind, StructType):
        return apache_class(kind.cls, made)
    if isinstance(kind, (ListType, SetType)):
        return (int(kind.element.code), apache_type(kind.element, made), False)
    if isinstance(kind, MapType):
        key, value = kind.key, kind.value
        codes = int(key.code), int(value.code)
        return (codes[0], apache_type(key, made), codes[1], apache_type(value, made), False)
    return None


def to_apache(value, made):
    if isinstance(value, Struct):
        fields = {f.name: to_apache(getattr(value, f.attr), made) for f in value.__fields__}
        return apache_class(type(value), made)[0](**fields)
    if isinstance(value, list):
        return [to_apache(item, made) for item in value]
    if isinstance(value, dict):
        return {plain(k): to_apache(v, made) for k, v in value.items()}
    return plain(value) if isinstance(value, IntEnum) else value


APACHE = {
    "binary-python": partial(TBinaryProtocol.TBinaryProtocol, strictRead=True, strictWrite=True),
    "binary-c": partial(TBinaryProtocol.TBinaryProtocolAccelerated, fallback=False),
    "compact-python": TCompactProtocol.TCompactProtocol,
    "compact-c": partial(TCompactProtocol.TCompactProtocolAccelerated, fallback=False),
}


@pytest.fixture(params=list(APACHE))
def apache(request):
    """What makes one of Apache Thrift's protocols over a content, and which it is."""
    make = APACHE[request.param]
    protocol, _, language = request.param.partition("-")
    assert (make(TTransport.TMemoryBuffer())._fast_encode is not None) == (language == "c")
    return lambda content=b"": make(TTransport.TMemoryBuffer(content)), Protocol(protocol)


def test_apache_thrift_reads_ours_and_we_read_its(rich, apache):
    theirs = to_apache(sample(rich), {})
    make, protocol = apache
    data = encode(sample(rich), protocol=protocol)

    writing = make()
    theirs.write(writing)
    assert writing.trans.getvalue() == data
    assert decode(rich.Rich, data, protocol=protocol) == sample(rich)

    read = type(theirs)()
    read.read(make(data))
    assert plain(read) == plain(sample(rich))


def test_apache_thrift_reads_our_uuids_and_we_read_its(apache):
    made = load_module("struct Ids { 1: uuid one, 2: list<uuid> many, 16: map<uuid, i32> by }").Ids
    ids = [uuid.UUID("00112233-4455-6677-8899-aabbccddeeff"), uuid.UUID(int=0)]
    value = made(ids[0], ids, {ids[0]: 7})
    make, protocol = apache
    data = encode(value, protocol=protocol)
    assert ids[0].bytes in data

    theirs, writing = to_apache(value, {}), make()
    theirs.write(writing)
    assert writing.trans.getvalue() == data
    assert decode(made, data, protocol=protocol) == value

    read = type(theirs)()
    read.read(make(data))
    assert plain(read) == plain(value)


@pytest.mark.parametrize("number", [-7, 0, 1 << 30, -(1 << 31), (1 << 31) - 1])
def test_apache_thrift_reads_our_messages_and_we_read_its(demo2, apache, number):
    make, protocol = apache
    args = demo2.DemoService_Ping_args()
    data = encode_message("GetItem", MessageType.CALL, number, args, protocol)
    assert make(data).readMessageBegin() == ("GetItem", int(MessageType.CALL), number)

    writing = make()
    writing.writeMessageBegin("Größe", 2, number)
    written = writing.trans.getvalue()
    header, start = read_message(written, protocol)
    assert (header.name, header.type, header.seqid) == ("Größe", MessageType.REPLY, number)
    assert start == len(written)


# thriftpy2: it reads the same IDL files.


@pytest.fixture(scope="module")
def thriftpy2_rich(idl_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("idl")
    for path in idl_folder.glob("*.thrift"):
        # It cannot read a default that names a constant struct, nor services out of order.
        text = path.read_text().replace("leaf = LEAF", "leaf").partition("service ")[0]
        (folder / path.name).write_text(text)
    return thriftpy2.load(str(folder / "rich.thrift"), module_name="peer_rich_thrift")


def to_thriftpy2(value, module):
    if isinstance(value, Struct):
        made = getattr(module, type(value).__name__)()
        for f in value.__fields__:
            setattr(made, f.name, to_thriftpy2(getattr(value, f.attr), module))
        return made
    if isinstance(value, list):
        return [to_thriftpy2(item, module) for item in value]
    if isinstance(value, dict):
        return {plain(k): to_thriftpy2(v, module) for k, v in value.items()}
    return plain(value) if isinstance(value, IntEnum) else value


@pytest.mark.parametrize(
    ("make", "buffer", "protocol"),
    [
        (Thriftpy2Binary, TMemoryBuffer, Protocol.BINARY),
        (TCyBinaryProtocol, TCyMemoryBuffer, Protocol.BINARY),
        (Thriftpy2Compact, TMemoryBuffer, Protocol.COMPACT),
    ],
    ids=["python", "cython", "compact"],
)
def test_thriftpy2_reads_ours_and_we_read_its(rich, thriftpy2_rich, make, buffer, protocol):
    data = encode(sample(rich), protocol=protocol)
    read = thriftpy2_rich.Rich()
    make(buffer(data)).read_struct(read)
    assert plain(read) == plain(sample(rich))

    transport = buffer()
    make(transport).write_struct(to_thriftpy2(sample(rich), thriftpy2_rich))
    if make is TCyBinaryProtocol:
        transport.flush()
    assert decode(rich.Rich, transport.getvalue(), protocol=protocol) == sample(rich)
