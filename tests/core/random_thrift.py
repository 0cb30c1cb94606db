"""Random struct classes, values of them, and bytes that are not quite theirs.

Everything is drawn from a ``random.Random``, so a seed tells all.
"""

import struct
import sys
from enum import IntEnum
from random import Random
from types import ModuleType
from typing import Any
from uuid import UUID

from pie.thrift import (
    EnumType,
    ListType,
    MapType,
    SetType,
    Struct,
    StructType,
    ThriftType,
    Union,
    load_module,
)
from pie.thrift.types import has_hash

SCALARS = ("bool", "i8", "i16", "i32", "i64", "double", "string", "binary", "uuid")
KEYS = ("i32", "string", "i64", "bool", "Color", "binary", "uuid", "double")
STRUCTS = ("Leaf", "Choice", "Broken", "Node", "Other")
DEFAULTS = {"i32": ("7", "-1"), "string": ('"x"', '""'), "bool": ("true",), "double": ("1.5",)}
FRESH = {"list<i32>": "[1, 2]", "map<string, i32>": '{"k": 1}', "set<i16>": "[]"}
TEXTS = ("", "a", "ab", "plain text", "é", "日本語", "😀 mixed é", "x" * 40, "\x00", "\u07ff\u0800")
BITS = {"i8": 8, "i16": 16, "i32": 32, "i64": 64}


def random_module(random: Random) -> ModuleType:
    """A module of struct classes that contain each other, of every type there is."""
    lines = [
        "enum Color { RED = 1, GREEN = 2, FAR = 100000, NEGATIVE = -3 }",
        "struct Leaf { 1: required i64 id, 2: optional list<string> tags }",
        "union Choice { 1: i32 number, 2: string text, 3: Node node, 7: bool flag }",
        "exception Broken { 1: string why, 2: optional i32 code }",
    ]
    lines += [_random_struct(random, name) for name in ("Node", "Other")]
    return load_module("\n".join(lines))


def forget(module: ModuleType) -> None:
    """Take a generated module from the table of those that are loaded."""
    package = module.__name__.partition(".")[0]
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]


def _random_struct(random: Random, name: str) -> str:
    fields = []
    number = 0
    for _ in range(random.randint(0, 9)):
        number += random.choice((1, 1, 1, 2, 15, 16, 300))
        kind = _random_type(random, 3)
        required = random.choice(("", "", "optional ", "required "))
        default = ""
        if random.random() < 0.2:
            kind = random.choice((*DEFAULTS, *FRESH))
            default = f" = {FRESH.get(kind) or random.choice(DEFAULTS[kind])}"
        if required == "required " and kind in STRUCTS:
            required = ""  # Else no value might ever end.
        fields.append(f"{number}: {required}{kind} f{number}{default}")
    random.shuffle(fields)
    return f"struct {name} {{ {', '.join(fields)} }}"


def _random_type(random: Random, depth: int) -> str:
    choice = random.randint(0, 9) if depth else 0
    if choice < 5:
        return random.choice(SCALARS)
    if choice == 5:
        return random.choice((*STRUCTS, "Color"))
    if choice < 8:
        return f"list<{_random_type(random, depth - 1)}>"
    if choice == 8:
        return f"set<{_random_key_type(random, depth - 1)}>"
    return f"map<{_random_key_type(random, depth - 1)}, {_random_type(random, depth - 1)}>"


def _random_key_type(random: Random, depth: int) -> str:
    return random.choice(KEYS) if random.random() < 0.8 else _random_type(random, depth)


def random_struct(random: Random, cls: type[Struct], depth: int = 4) -> Struct:
    """An instance that can be written; its optional fields may be unset."""
    fields = cls.__fields__
    if issubclass(cls, Union):
        plain = [f for f in fields if depth > 0 or not isinstance(f.type, StructType)]
        field = random.choice(plain)
        return cls(**{field.attr: random_value(random, field.type, depth)})
    given = {}
    for field in fields:
        needed = field.requiredness == "required"
        if needed or (random.random() < 0.7 and (depth > 0 or not _has_struct(field.type))):
            given[field.attr] = random_value(random, field.type, depth)
    return cls(**given)


def _has_struct(kind: ThriftType) -> bool:
    if isinstance(kind, MapType):
        return _has_struct(kind.key) or _has_struct(kind.value)
    if isinstance(kind, (ListType, SetType)):
        return _has_struct(kind.element)
    return isinstance(kind, StructType)


def random_value(random: Random, kind: ThriftType, depth: int) -> Any:
    """A value of a type."""
    if isinstance(kind, EnumType):
        return random.choice((*kind.enum, 5, -(1 << 31)))
    if isinstance(kind, StructType):
        return random_struct(random, kind.cls, depth - 1)
    if isinstance(kind, (ListType, SetType, MapType)):
        size = random.choice((0, 1, 2, 3, 20)) if depth > 0 else 0
        size = min(size, 2) if _has_struct(kind) else size
        if isinstance(kind, (SetType, MapType)) and not has_hash(
            kind.key if isinstance(kind, MapType) else kind.element
        ):
            return _random_pairs(random, kind, size, depth - 1)
        if isinstance(kind, MapType):
            keys = [_random_key(random, kind.key) for _ in range(size)]
            return {key: random_value(random, kind.value, depth - 1) for key in keys}
        if isinstance(kind, SetType):
            keys = [_random_key(random, kind.element) for _ in range(size)]
            return random.choice((set, frozenset))(keys)
        items = [random_value(random, kind.element, depth - 1) for _ in range(size)]
        return random.choice((list, list, tuple))(items)
    return _random_scalar(random, kind.name)


def _random_pairs(random: Random, kind: ThriftType, size: int, depth: int) -> list[Any]:
    """What is a list in Python because its keys or elements have no hash."""
    if not isinstance(kind, MapType):
        return [random_value(random, kind.element, depth) for _ in range(size)]
    return [
        (random_value(random, kind.key, depth), random_value(random, kind.value, depth))
        for _ in range(size)
    ]


def _random_key(random: Random, kind: ThriftType) -> Any:
    key = random_value(random, kind, 0)
    return bytes(key) if isinstance(key, bytearray) else key


def _random_scalar(random: Random, name: str) -> Any:
    if name in BITS:
        limit = 1 << (BITS[name] - 1)
        near = (0, 1, -1, 63, 64, -64, -65, 1 << 29, 1 << 30, 1 << 31, 1 << 60, limit - 1, -limit)
        value = random.choice((*near, random.randint(-limit, limit - 1)))
        return value if -limit <= value < limit else value % limit
    if name == "bool":
        return random.random() < 0.5
    if name == "double":
        return random.choice((0.0, -0.0, 1.5, 1e300, float("inf"), 3, random.random()))
    if name == "string":
        return random.choice(TEXTS)
    if name == "uuid":
        return UUID(int=random.getrandbits(128))
    return random.choice((bytes, bytes, bytearray))(random.choice(TEXTS).encode())


class _Number(int):
    pass


class _Word(str):
    pass


class _Three(IntEnum):
    THREE = 3


WRONG = (
    None, True, 1, -1, 1.5, 1 << 31, 1 << 63, 1 << 70, 10**400, "text", "\ud800", "é", b"bytes", [],
    [None], [1], (), (1, "a"), set(), {1.5}, {}, {"a": None}, {1: 1}, _Number(5), _Word("word"),
    _Three.THREE, UUID(int=1), float("nan"), bytearray(b"b"), frozenset({"x"}),
)  # fmt: skip
"""Values of which most fit no field that they are put into, and some do after all."""


def spoil(random: Random, value: Struct) -> None:
    """Put a value that may not fit somewhere into a struct."""
    at: Any = value
    while True:
        attr = random.choice([f.attr for f in at.__fields__] or [""])
        if not attr:
            return
        inner = getattr(at, attr)
        if isinstance(inner, Struct) and random.random() < 0.7:
            at = inner
        elif isinstance(inner, list) and inner and random.random() < 0.7:
            place = random.randrange(len(inner))
            if isinstance(inner[place], Struct):
                at = inner[place]
                continue
            inner[place] = random.choice(WRONG)
            return
        elif isinstance(inner, dict) and inner and random.random() < 0.7:
            inner[random.choice(list(inner))] = random.choice(WRONG)
            return
        else:
            setattr(at, attr, random.choice(WRONG))
            return


def damage(random: Random, data: bytes) -> bytes:
    """Bytes with a few of them changed, lost or put in."""
    damaged = bytearray(data)
    for _ in range(random.randint(1, 4)):
        place = random.randint(0, len(damaged))
        way = random.randint(0, 5)
        if way == 0:
            del damaged[place:]
        elif way == 1:
            damaged[place:place] = bytes([random.randrange(256)])
        elif way == 2:
            del damaged[place : place + random.randint(1, 4)]
        elif way == 3:
            size = random.choice((0, 1, 3, 255, 1 << 16, (1 << 31) - 1, (1 << 32) - 1))
            damaged[place : place + 4] = struct.pack(">I", size)
        elif way == 4:
            damaged[place : place + 1] = bytes([random.choice((0, 1, 2, 8, 11, 12, 15, 0xFF))])
        else:
            other = random.randint(0, len(damaged))
            damaged[place:place] = damaged[other : other + random.randint(1, 30)]
    return bytes(damaged)


def shape(value: Any) -> Any:
    """What tells two values apart, with their types; equal for NaN and NaN."""
    if isinstance(value, Struct):
        return type(value).__name__, [shape(getattr(value, f.attr)) for f in value.__fields__]
    if isinstance(value, dict):
        return "dict", [(shape(key), shape(item)) for key, item in value.items()]
    if isinstance(value, (set, frozenset)):
        return "set", sorted(repr(shape(item)) for item in value)
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [shape(item) for item in value]
    return type(value).__name__, repr(value)


EVERYTHING = """
enum Color { RED = 1, GREEN = 2, FAR = 100000 }
struct Leaf { 1: required i64 id, 2: optional list<string> tags }
union Choice { 1: i32 number, 2: string text, 3: Leaf leaf }
exception Broken { 1: i32 code, 2: string why, 3: list<Leaf> leaves }
struct Empty {}
struct Fresh { 1: i32 count = 5, 2: list<i32> numbers = [1], 3: optional string word = "w" }
struct Every {
    1: bool flag, 2: i8 tiny, 3: i16 small, 4: i32 medium, 5: i64 large, 6: double real,
    7: string text, 8: binary blob, 9: uuid ident, 10: Color color, 11: list<i64> numbers,
    12: set<string> names, 13: map<string, i64> counts, 14: Leaf leaf, 15: list<Leaf> leaves,
    16: map<i32, list<Leaf>> tree, 17: Choice choice, 18: Every inner, 19: Broken broken,
    20: list<bool> flags, 40: map<bool, bool> bools, 41: set<Leaf> set_of_leaves,
    43: map<Leaf, list<i32>> pairs, 42: Fresh fresh, 300: list<list<double>> grid,
}
"""
"""What single tests are about."""
