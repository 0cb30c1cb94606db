"""The table of a row: what the fields of its struct say of themselves.

A row is a msgspec struct, and its fields are the table: the annotation of each holds its type, its
bounds (``msgspec.Meta``, checked when a row comes from outside) and one ``Field``, which says where
the value comes from, how the store keeps it and which answers show it. Everything else is made of
the table: what the writer in C writes and its twin, the ``CREATE TABLE`` and ``ALTER TABLE`` of the
store, and the columns of a ``SELECT``. To add a field, see ``docs/add-a-field.md``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

from msgspec import Meta, Struct

Answer = Literal["chain", "chains", "calls"]
"""Lists of the platform that show call records: the nodes of one chain, the newest chains, the
newest calls of a service."""

OTHER = "(other)"
"""Stands for the texts that a capped key does not hold."""
OTHER_CODE = -(2**31)
"""Stands for the numbers that a capped key does not hold."""

U16: TypeAlias = Annotated[int, Meta(ge=0, le=2**16 - 1)]
U32: TypeAlias = Annotated[int, Meta(ge=0, le=2**32 - 1)]
U63: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
U64: TypeAlias = Annotated[int, Meta(ge=0)]
"""Up to 2^64 - 1, which a constraint cannot say: the store's ``settle`` checks it."""
I32: TypeAlias = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Name: TypeAlias = Annotated[str, Meta(max_length=500)]
Required: TypeAlias = Annotated[str, Meta(min_length=1, max_length=500)]
Text: TypeAlias = Annotated[str, Meta(max_length=4 << 20)]


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a row.

    Attributes:
        source: where the value comes from: ``call.NAME`` (a field of the Call),
            ``call.persist.KEY`` (a key of its metadata, empty where it is missing; also
            ``transit`` and ``backward``), ``process.NAME`` (a field of the process's ``Identity``)
            or ``NAME`` (an attribute of ``pie.observe.record.finished.Finished``). Empty: the
            process does not set it.
        column: its type in the store, with its codec.
        answers: those that show it.
        cut: a text, or each of a list of texts, is written up to this many code points; 0 = as many
            as its type allows, because a row with a longer one would be refused.
    """

    source: str = ""
    column: str
    answers: tuple[Answer, ...] = ("chain",)
    cut: int = 0


@dataclass(frozen=True, kw_only=True)
class Key(Field):
    """A field of an aggregate by which calls are counted apart.

    Attributes:
        cap: a process holds this many values of it; calls with further ones are counted under
            ``OTHER`` or ``OTHER_CODE``. 0 = no cap, for what no stranger can choose.
    """

    cap: int = 0


@dataclass(frozen=True, kw_only=True)
class Sum(Field):
    """A field of an aggregate that adds up the source, a whole number, of all its calls."""


@dataclass(frozen=True, kw_only=True)
class Histogram(Field):
    """A field of an aggregate that counts its calls by ``histogram_bucket`` of the source."""


LOW = "LowCardinality(String)"
TEXT = "String CODEC(ZSTD(1))"


def number(kind: str) -> str:
    """The column of a number, e.g. of ``UInt32``."""
    return f"{kind} CODEC(ZSTD(1))"


@cache
def fields_of(row_type: type[Struct]) -> Mapping[str, Field]:
    """The fields of a row by name, in the order in which they are written.

    Raises:
        TypeError: a field has no ``Field`` in its annotation.
    """
    hints = get_type_hints(row_type, include_extras=True)
    found: dict[str, Field] = {}
    for name in row_type.__struct_fields__:
        told = [
            each for each in getattr(hints[name], "__metadata__", ()) if isinstance(each, Field)
        ]
        if not told:
            raise TypeError(f"{row_type.__name__}.{name} needs a Field in its annotation")
        found[name] = told[-1]
    return found


@cache
def cuts_of(row_type: type[Struct]) -> Mapping[str, int]:
    """The most code points that are written of a text of a row, or of each of a list of texts."""
    hints = get_type_hints(row_type, include_extras=True)
    cuts = {
        name: each.cut or _max_length(hints[name]) for name, each in fields_of(row_type).items()
    }
    return {name: cut for name, cut in cuts.items() if cut}


def _max_length(hint: Any) -> int:
    """The bound of a type of text, or of the texts of a list; 0 = it has none."""
    bare, *notes = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    if get_origin(bare) is list:
        return _max_length(get_args(bare)[0])
    bounds = [each.max_length for each in notes if isinstance(each, Meta) and bare is str]
    return next((each for each in bounds if each is not None), 0)
