"""The base classes of generated structs, unions and exceptions."""

from itertools import pairwise
from typing import Any

from pie.thrift.types import MAX_FIELD_ID, MIN_FIELD_ID, Field, Struct

__all__ = ["UNSET", "Struct", "StructException", "Union", "checked_fields"]

UNSET: Any = None
"""A field's value before it is set. Typed Any, so that a field that is always set by the time it
is read can be declared as its own type and still be left out of the constructor's arguments."""


class Union(Struct):
    """A struct of which exactly one field is set; the codec checks it both ways.

    One exception: a union that a newer peer sent with a member that its IDL has and this one has
    not. None of its fields is set then, and it cannot be sent on, for the member is not kept.
    """

    __slots__ = ()


class StructException(Struct, Exception):
    """A struct that can be raised."""

    def __hash__(self) -> int:
        # Errors end up in sets and dict keys of other people's code; equal ones must agree.
        return hash(type(self))

    def __str__(self) -> str:
        return repr(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, f.attr) for f in self.__fields__)


def checked_fields(cls: type[Struct]) -> tuple[Field, ...]:
    """The fields of a class, which may have been written by hand.

    Raises:
        TypeError: two of them have the same id, or an id has more than 16 bits.
    """
    ids = [field.id for field in cls.__fields__]
    for number in ids:
        if not MIN_FIELD_ID <= number <= MAX_FIELD_ID:
            raise TypeError(f"a field with the id {number}: ids have 16 bits")
    for one, other in pairwise(sorted(ids)):
        if one == other:
            raise TypeError(f"two fields of {cls.__name__} have the id {one}")
    return cls.__fields__
