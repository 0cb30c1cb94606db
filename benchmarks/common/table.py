"""What a section found: as a table for people, as plain data for programs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from common.stats import Series


@dataclass(frozen=True)
class Goal:
    """A figure of design, and what was measured of it."""

    what: str
    bound: Literal["≥", "≤"]
    limit: float
    measured: Series | None
    unit: str = ""

    @property
    def met(self) -> bool | None:
        """None = not measured."""
        if self.measured is None or not self.measured.values:
            return None
        value = self.measured.median
        return value >= self.limit if self.bound == "≥" else value <= self.limit


@dataclass
class Report:
    """A section's outcome.

    Attributes:
        title: what was measured.
        columns: headings; the first is of text, the others of figures.
        rows: cells as text.
        goals: with their outcome.
        notes: sentences below the table.
        data: JSON-able, for ``--json``.
    """

    title: str
    columns: Sequence[str] = ()
    rows: list[Sequence[str]] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    data: Any = None

    def text(self) -> str:
        """The table with its goals and notes."""
        parts = [self.title, ""]
        if self.rows:
            parts += _aligned([self.columns, *self.rows])
        parts += [f"  {_goal_line(goal)}" for goal in self.goals]
        parts += [f"  note: {note}" for note in self.notes]
        return "\n".join(parts) + "\n"

    def as_json(self) -> dict[str, Any]:
        """All of it; the measurements behind each goal, too."""
        goals = [
            {
                "what": goal.what,
                "bound": goal.bound,
                "limit": goal.limit,
                "values": list(goal.measured.values) if goal.measured else [],
                "met": goal.met,
            }
            for goal in self.goals
        ]
        return {"title": self.title, "data": self.data, "goals": goals, "notes": self.notes}


def figure(value: float | None, digits: int = 1) -> str:
    """A number in a cell; a dash for none."""
    return "–" if value is None else f"{value:,.{digits}f}"


def middle(series: Series | None, digits: int = 1) -> str:
    """The median in a cell."""
    return figure(None if series is None else series.median, digits)


def noise(series: Series | None) -> str:
    """How far the rounds lie apart, in a cell."""
    return "–" if series is None else f"{series.noise * 100:.0f}%"


def values(series: Series | None) -> list[float]:
    """For ``--json``."""
    return [] if series is None else list(series.values)


def _goal_line(goal: Goal) -> str:
    wanted = f"{goal.what} {goal.bound} {goal.limit:g}{goal.unit}"
    if goal.met is None or goal.measured is None:
        return f"goal: {wanted}: not measured"
    low, high = min(goal.measured.values), max(goal.measured.values)
    word = "met" if goal.met else "MISSED"
    return f"goal: {wanted}: {word}, {goal.measured.median:.2f} ({low:.2f} to {high:.2f})"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    lines = []
    for row in rows:
        first, *others = (
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  " + "  ".join((first, *others)).rstrip())
    rule = "  " + "  ".join("─" * width for width in widths)
    return [lines[0], rule, *lines[1:], ""]
