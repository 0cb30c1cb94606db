"""The tables of rows as the writer in C is given them: descriptions with names.

``source.c`` finds the value of each source, and refuses one that it does not know when the call log
is made. So a field that is added to a table is written by C without a change there.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

from pie.observe.facts.fields import cuts_of, fields_of
from pie.observe.facts.rows import CallRow
from pie.observe.identity import Identity
from pie.observe.record.aggregate import Row, Shape
from pie.observe.record.encode import encode_value

_PROCESS = "process."


class Part(NamedTuple):
    """A value of a row of JSON, and the bytes that stand before it.

    The last part of a row has no source. A text, or each of a list of texts, is written up to
    ``cut`` code points; 0 = whole.
    """

    literal: bytes
    source: str
    cut: int


class Counted(NamedTuple):
    """A sum or histogram, and where what it counts comes from."""

    name: str
    source: str


class CountedApart(NamedTuple):
    """A key: ``other`` stands for values beyond ``cap`` (0 = no cap), and is of their type."""

    name: str
    source: str
    cap: int
    other: str | int


class Aggregate(NamedTuple):
    """An aggregate: see ``pie.observe.record.aggregate.Shape``.

    ``make`` is called with a keyword for each of ``names``: ts, keys, sums, histogram.
    """

    name: str
    seconds: int
    counted: str
    make: Callable[..., Any]
    names: tuple[str, ...]
    keys: list[CountedApart]
    sums: list[Counted]
    histograms: list[Counted]


def row_parts(identity: Identity) -> list[Part]:
    """The record of a call in JSON; what is the same for all calls stands in the literals."""
    return list(_parts(identity))


def aggregate(name: str, row_type: type[Row], identity: Identity) -> Aggregate:
    """The description of an aggregate, from the table of its row."""
    shape = Shape(row_type)
    return Aggregate(
        name=name,
        seconds=shape.seconds,
        counted=shape.counted,
        make=shape.maker(identity),
        names=("ts", *shape.keys, *shape.sums, *shape.histograms),
        keys=[
            CountedApart(key, each.source, each.cap, shape.other(key))
            for key, each in shape.keys.items()
        ],
        sums=[Counted(key, each.source) for key, each in shape.sums.items()],
        histograms=[Counted(key, each.source) for key, each in shape.histograms.items()],
    )


def _parts(identity: Identity) -> Iterator[Part]:
    literal = b"{"
    cuts = cuts_of(CallRow)
    defaults = {each.name: each.default for each in msgspec.structs.fields(CallRow)}
    for number, (name, field) in enumerate(fields_of(CallRow).items()):
        literal += b'%b"%b":' % (b"," if number else b"", name.encode())
        if not field.source:
            literal += encode_value(defaults[name])
        elif field.source.startswith(_PROCESS):
            value = getattr(identity, field.source.removeprefix(_PROCESS))
            literal += encode_value(value, cuts.get(name))
        else:
            yield Part(literal, field.source, cuts.get(name, 0))
            literal = b""
    yield Part(literal + b"}\n", "", 0)
