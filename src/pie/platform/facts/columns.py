"""Columns of the store as the table of a row names them (``pie.observe.facts.fields``).

A page that lists records writes its question as

    f"SELECT {select(CallRow, 'calls')}, callee AS by FROM calls WHERE ..."

and decodes the answer into ``CallRow``, or a subclass with the columns that it adds. So a new field
of a record is in every answer that its ``Field.answers`` names, and no question changes
(``pie.platform.ask.further``).
"""

from functools import cache

from msgspec import Struct

from pie.observe.facts.fields import Answer, Field, fields_of


@cache
def select(row_type: type[Struct], answer: Answer) -> str:
    """The SELECT list of an answer: its columns by name, times in Unix seconds."""
    fields = fields_of(row_type).items()
    return ", ".join(_read(name, field) for name, field in fields if answer in field.answers)


def definitions(row_type: type[Struct]) -> dict[str, str]:
    """Name and definition of each column, as in ``CREATE TABLE``."""
    return {name: field.column for name, field in fields_of(row_type).items()}


def _read(name: str, field: Field) -> str:
    if field.column.startswith("DateTime64(6"):
        return f"toUnixTimestamp64Micro({name}) / 1e6 AS {name}"
    if field.column.startswith("DateTime("):
        return f"toUnixTimestamp({name}) AS {name}"
    return name
