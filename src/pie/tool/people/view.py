"""How ``pie people`` shows what the API answers."""

import time
from typing import Any

from pie.tool.terminal.table import BAD, BOLD, DIM, WARN, Cell, Column, paint, render
from pie.tool.terminal.text import ago, keep_columns, moment, plural

_COLUMNS = (
    Column("PERSON", cut=True),
    Column("ROLE"),
    Column("TOKENS", right=True),
    Column("USED", right=True),
    Column("ADDED", right=True),
    Column("BY", cut=True),
)
_DISPENSABLE = ("BY", "ADDED", "USED")
_HOUR = 3600


def show_people(answer: dict[str, Any]) -> list[str]:
    """The lines of a list of people, and the tokens of who asks."""
    now, people = answer["now"], answer["people"]
    lines = []
    if people:
        rows = [_row(each, now) for each in people]
        lines += [render(*keep_columns(_COLUMNS, rows, _DISPENSABLE)), ""]
    lines.append(paint(plural(answer["total"], "person", "people"), DIM))
    if answer["more"]:
        lines.append(paint(f"only the first {len(people)} are shown: give a FILTER", WARN))
    own = next((each for each in people if each["name"] == answer["user"]), None)
    if own is not None:
        lines += ["", *show_person(own)]
    elif not answer["total"]:
        lines.append(paint("`pie people add NAME --token` adds the first one", DIM))
    return lines


def show_person(person: dict[str, Any]) -> list[str]:
    """The lines of one person and their tokens."""
    lines = [f"{paint(person['name'], BOLD)}  {_role(person).text}"]
    if person["tokens"] is None:
        return lines
    now = time.time()
    for each in person["tokens"]:
        expires = f"until {moment(each['expires'])}" if each["expires"] else "does not expire"
        state = paint("expired", BAD) if each["expired"] else expires
        used = _used(each["used"], now)
        lines.append(f"  {each['id']}  {state}  used {used}  {each['note']}".rstrip())
    if not person["tokens"]:
        lines.append(paint(f"  no token: `pie people token {person['name']}` makes one", DIM))
    return lines


def _row(person: dict[str, Any], now: float) -> list[str | Cell]:
    tokens = person["tokens"]
    good = "-" if tokens is None else str(sum(not each["expired"] for each in tokens))
    return [
        Cell(person["name"], DIM if person["disabled"] else BOLD),
        _role(person),
        good,
        Cell(_used(person["used"], now), DIM),
        Cell(ago(person["created"], now), DIM),
        Cell(person["created_by"], DIM),
    ]


def _role(person: dict[str, Any]) -> Cell:
    if person["disabled"]:
        return Cell("disabled", BAD)
    return Cell("admin", WARN) if person["admin"] else Cell("person")


def _used(hour: float, now: float) -> str:
    """When, as exactly as it is known: to the hour."""
    return "this hour" if hour and now - hour < _HOUR else ago(hour, now) if hour else "never"
