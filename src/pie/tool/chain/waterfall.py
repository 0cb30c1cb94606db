"""Bars of a waterfall in characters, exact to half a column."""

from itertools import groupby
from typing import NamedTuple

from pie.tool.terminal.table import PLAIN, Style, paint

_CLIP = 20.0
"""A bar longer than so many times the chain is cut at the edge, or it would hide the rest."""

_HEAVY = {(True, True): "━", (True, False): "╸", (False, True): "╺"}
_LIGHT = {(True, True): "─", (True, False): "╴", (False, True): "╶"}
_GAPPED = {(True, True): "╌", (True, False): "╴", (False, True): "╶"}
_WAIT = Style(dim=True)


class Span(NamedTuple):
    """From when to when, in milliseconds from the chain's start."""

    start: float
    end: float


class Scale:
    """Maps times to columns.

    Args:
        spans: all that is to be seen, at least one.
        total: how long the chain took.
        room: columns.
    """

    def __init__(self, spans: list[Span], total: float, room: int) -> None:
        most = max(total, 0.001) * _CLIP
        self.first = max(min(span.start for span in spans), -most)
        self.last = min(max(span.end for span in spans), most)
        if self.last <= self.first:
            self.last = self.first + 0.001
        self.room = room

    def bar(self, server: Span | None, client: Span | None, style: Style) -> str:
        """The server's time as a heavy line on the light one of its caller's wait; without a server
        side, the wait alone, broken."""
        cells = [" "] * self.room
        looks = [PLAIN] * self.room
        if client is not None:
            shapes = _LIGHT if server else _GAPPED
            self._draw(cells, looks, client, shapes, _WAIT if server else style)
        if server is not None:
            self._draw(cells, looks, server, _HEAVY, style)
        runs = groupby(zip(cells, looks, strict=True), lambda each: each[1])
        return "".join(
            paint(text, look) if (text := "".join(cell for cell, _ in run)).strip() else text
            for look, run in runs
        )

    def _draw(
        self,
        cells: list[str],
        looks: list[Style],
        span: Span,
        shapes: dict[tuple[bool, bool], str],
        style: Style,
    ) -> None:
        begin, end = self._half(span.start), self._half(span.end)
        # Whatever happened shows, however short it was.
        begin = min(begin, 2 * self.room - 1)
        end = max(end, begin + 1)
        for at in range(begin // 2, (end + 1) // 2):
            left, right = begin <= 2 * at < end, begin <= 2 * at + 1 < end
            cells[at], looks[at] = shapes[left, right], style
        if span.start < self.first:
            cells[0] = "‹"
        if span.end > self.last:
            cells[-1] = "›"

    def _half(self, time: float) -> int:
        """In half columns."""
        share = (time - self.first) / (self.last - self.first)
        return round(min(max(share, 0.0), 1.0) * 2 * self.room)
