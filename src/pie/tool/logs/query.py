"""What a person asked for, matched against lines of local files; and where its errors are."""

import shlex
from collections.abc import Iterable

import click

from pie.platform.ask.query.fallback import doubtful, text_instead, with_texts
from pie.platform.ask.query.literal import literal_of
from pie.platform.ask.query.matches import matches
from pie.platform.ask.query.parse import parse
from pie.platform.ask.query.tree import QueryError
from pie.tool.logs.lines import Line
from pie.tool.terminal.table import width


class LocalQuery:
    """A query that finds in local files the lines that the platform would find.

    Args:
        own: what the person typed, for errors.
        whole: the query with what the options add.

    Raises:
        click.ClickException: the query does not parse; points at the position.
    """

    def __init__(self, own: str = "", whole: str = "") -> None:
        try:
            parse(own)
        except QueryError as error:
            complaint = point_at(own, error.at.offset, error.at.length, error.message)
            raise click.ClickException(complaint + way_out(own)) from None
        self._node = parse(whole or own)

    def settle(self, lines: Iterable[Line]) -> list[str]:
        """Read conditions on fields that no line has as text; these texts.

        Args:
            lines: all that are looked at; not read unless there is doubt.
        """
        maybe = list(doubtful(self._node))
        absent = {each.name for each in maybe}
        for line in lines if absent else ():
            absent -= line["fields"].keys()
            if not absent:
                break
        self._node = with_texts(self._node, absent)
        texts = [text_instead(each) for each in maybe if each.name in absent]
        return [each.text for each in texts if each is not None]

    def __call__(self, line: Line) -> bool:
        """Whether the line is wanted."""
        return matches(self._node, line)


def point_at(query: str, offset: int, length: int, message: str) -> str:
    """A complaint, with the query and a mark under what is wrong in it."""
    mark = " " * width(query[:offset]) + "^" * max(1, width(query[offset : offset + length]))
    return f"{message}\n\n  {query}\n  {mark}"


def way_out(query: str) -> str:
    """How to look for the text of a query as it stands; empty when the query does that already."""
    literal = literal_of(query)
    return f"\n\nas a text: pie logs -q {shlex.quote(literal)}" if literal else ""
