"""How ``pie degrade`` shows what the API answers."""

from typing import Any

from pie.tool.terminal.table import BAD, DIM, GOOD, WARN, Cell, Column, Style, paint, render
from pie.tool.terminal.text import ago, keep_columns, moment, plural

_COLUMNS = (
    Column(""),
    Column("SWITCH", cut=True),
    Column("SERVICE", cut=True),
    Column("STATE"),
    Column("BY", cut=True),
    Column("SINCE", right=True),
    Column("WITHOUT IT", right=True),
    Column("WHY, OR WHAT USERS SEE", cut=True),
)
_DISPENSABLE = ("WITHOUT IT", "SINCE", "BY", "WHY, OR WHAT USERS SEE")
_STYLES: dict[str, Style] = {"on": GOOD, "off": BAD, "partial": WARN, "failing": WARN}


def show_switches(page: dict[str, Any]) -> list[str]:
    """The lines of a list of switches, and of the groups."""
    rows = [_row(each, page["now"]) for each in page["switches"]]
    lines = (
        [render(*keep_columns(_COLUMNS, rows, _DISPENSABLE))] if rows else ["No switch matches."]
    )
    off = sum(each["state"] != "on" for each in page["switches"])
    lines += ["", paint(f"{plural(len(rows), 'switch', 'switches')} · {off} not on", DIM)]
    if page["groups"]:
        lines += ["", "groups"]
        lines += [
            f"  {each['name']}  {each['off']} of {len(each['switches'])} not on  "
            + paint(each["description"], DIM)
            for each in page["groups"]
        ]
    if page["frozen"]:
        lines.append(paint(f"rules are frozen: {page['frozen']}", WARN))
    if not page["facts"]:
        lines.append(paint("switches that nobody flipped are missing: their store is down", WARN))
    return lines


def show_switch(row: dict[str, Any]) -> list[str]:
    """The lines of one switch after it was flipped."""
    lines = [f"{row['psm']} {row['name']}: " + paint(_state(row), _STYLES[row["state"]])]
    if row["until"]:
        lines.append(f"  until {moment(row['until'])}")
    if row["state"] != "on" and row["users_see"]:
        lines.append(f"  users see {row['users_see']}")
    if not row["known"]:
        lines.append(paint("  no process of the last ten days has this name in its code", WARN))
    return lines


def show_flipped(done: dict[str, Any], *, off: bool) -> list[str]:
    """What became of each switch of a group."""
    word = "off" if off else "on"
    return [
        f"{each['psm']} {each['name']}: "
        + (paint(each["error"], BAD) if each["error"] else paint(word, BAD if off else GOOD))
        for each in done["switches"]
    ]


def _row(row: dict[str, Any], now: float) -> list[str | Cell]:
    style = _STYLES[row["state"]]
    why = row["reason"] if row["state"] != "on" else row["users_see"]
    return [
        Cell("●" if row["state"] == "on" else "○", style),
        row["name"] or "whole methods",
        row["psm"],
        Cell(_state(row), style),
        row["person"] or "-",
        Cell(ago(row["since"], now) if row["since"] else "-", DIM),
        "-" if row["fallbacks"] is None or not row["version"] else f"{row['fallbacks']:,}",
        Cell(why, DIM),
    ]


def _state(row: dict[str, Any]) -> str:
    if row["state"] == "partial":
        return f"off for {row['percent']:g}%" if row["percent"] < 100 else "off for some calls"
    if row["state"] == "failing":
        return f"after {', '.join(row['on'])}"
    return str(row["state"])
