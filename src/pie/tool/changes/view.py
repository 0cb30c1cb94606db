"""How ``pie changes`` shows what the API answers."""

from typing import Any

from pie.tool.terminal.table import BAD, BOLD, DIM, GOOD, WARN, Cell, Column, paint, render
from pie.tool.terminal.text import ago, keep_columns, moment, plural

_COLUMNS = (
    Column("WHEN"),
    Column("KIND"),
    Column("SERVICE", cut=True),
    Column("WHAT", cut=True),
    Column("CHANGE", cut=True),
    Column("BY", cut=True),
    Column("WHY", cut=True),
)
_DISPENSABLE = ("WHY", "CHANGE")
_STYLES = {"+": GOOD, "-": BAD, "…": DIM}


def show_changes(answer: dict[str, Any]) -> list[str]:
    """The lines of a list, the newest first."""
    changes = answer["changes"]
    if not changes:
        return [
            f"nothing was changed since {moment(answer['since'])}, as far as the filters let see"
        ]
    rows = [_row(each, answer["now"]) for each in changes]
    lines = [render(*keep_columns(_COLUMNS, rows, _DISPENSABLE)), ""]
    lines.append(paint(plural(len(changes), "change"), DIM))
    if answer["next"]:
        lines.append(paint("there are older ones: give -n, --since or a filter", WARN))
    return lines


def show_change(detail: dict[str, Any]) -> list[str]:
    """The lines of one change with its diff."""
    change = detail["change"]
    lines = [
        f"{paint(_what(change), BOLD)}  {change['kind']}  {change['psm'] or 'whole fleet'}",
        f"  {moment(change['at'])}  {change['person']}  {change['reason']}".rstrip(),
    ]
    if change["hidden"]:
        return [*lines, paint("  shown to this person and to admins", DIM)]
    if detail["diff"] is None:
        return [*lines, paint("  too large to compare", DIM)]
    return lines + [_line(each) for each in detail["diff"]]


def _line(line: dict[str, str]) -> str:
    text = f"  {line['sign']} {line['text']}"
    style = _STYLES.get(line["sign"])
    return paint(text, style) if style else text


def _row(change: dict[str, Any], now: float) -> list[str | Cell]:
    return [
        Cell(ago(change["at"], now), DIM),
        change["kind"],
        Cell(change["psm"] or "whole fleet", BOLD if change["psm"] else DIM),
        _what(change),
        change["summary"],
        change["person"],
        Cell(change["reason"], DIM),
    ]


def _what(change: dict[str, Any]) -> str:
    subject = change["subject"].removesuffix(f"/{change['psm']}") if change["psm"] else ""
    version = f" v{change['version']}" if change["version"] else ""
    return f"{subject or change['subject']}{version}"
