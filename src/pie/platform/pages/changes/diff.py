"""What differs between two texts that are mostly JSON: in a line, and line by line. Pure."""

import difflib
import json
from collections.abc import Iterator
from typing import Any

from pie.platform.pages.changes.views import ChangedLine

MAX_LINES = 4_000
"""Of both sides together: comparing takes up to the product of their lengths."""
MAX_LINE = 2_000
_CONTEXT = 3
_SHORT = 40
_FIELDS = 3


def diff_of(before: str, after: str) -> list[ChangedLine] | None:
    """The lines that differ, with three around each; None when there are too many to compare."""
    old, new = _lines(before), _lines(after)
    if len(old) + len(new) > MAX_LINES:
        return None
    return list(_signed(old, new))


def summary_of(before: str, after: str) -> str:
    """One line such as ``tier: 1 → 0``; empty for what does not fit in one."""
    old, new = _parsed(before), _parsed(after)
    if isinstance(old, dict) and isinstance(new, dict):
        return _fields(old, new)
    if old is None and isinstance(new, dict):
        return _of_new(new)
    if isinstance(old, list) and isinstance(new, list):
        return f"{len(old)} → {len(new)}" if len(old) != len(new) else ""
    if before == after or not (_is_short(old) and _is_short(new)):
        return ""
    return f"{_short(old)} → {_short(new)}" if before else _short(new)


def _of_new(new: dict[str, Any]) -> str:
    """The first three fields of what was not there before that say something."""
    given = {name: value for name, value in new.items() if value not in (None, "", [], {})}
    parts = [
        f"{_name(name)}: {_short(value)}" if _is_short(value) else _name(name)
        for name, value in list(given.items())[:_FIELDS]
    ]
    return ", ".join(parts)


def _fields(old: dict[str, Any], new: dict[str, Any]) -> str:
    """The fields that differ, the first three of them."""
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    parts = []
    for name in names[:_FIELDS]:
        one, other = old.get(name), new.get(name)
        if _is_short(one) and _is_short(other):
            parts.append(f"{_name(name)}: {_short(one)} → {_short(other)}")
        elif isinstance(one, list) and isinstance(other, list) and len(one) != len(other):
            parts.append(f"{_name(name)}: {len(one)} → {len(other)}")
        else:
            parts.append(_name(name))
    more = len(names) - _FIELDS
    return ", ".join(parts) + (f" +{more}" if more > 0 else "")


def _name(text: str) -> str:
    return " ".join(text.split())[:_SHORT]


def _is_short(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) <= _FIELDS and all(isinstance(each, str) for each in value)
    return not isinstance(value, dict)


def _short(value: Any) -> str:
    if value is None or value in ("", []):
        return "–"
    if isinstance(value, list):
        text = ", ".join(value)
    else:
        text = value if isinstance(value, str) else json.dumps(value)
    text = " ".join(text.split())
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…"


def _signed(old: list[str], new: list[str]) -> Iterator[ChangedLine]:
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    last = 0
    for group in matcher.get_grouped_opcodes(_CONTEXT):
        if group[0][1] > last:
            yield ChangedLine("…", "")
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                yield from (ChangedLine(" ", line) for line in old[i1:i2])
                continue
            yield from (ChangedLine("-", line) for line in old[i1:i2])
            yield from (ChangedLine("+", line) for line in new[j1:j2])
        last = group[-1][2]
    if 0 < last < len(old):
        yield ChangedLine("…", "")


def _lines(text: str) -> list[str]:
    value = _parsed(text)
    shown = json.dumps(value, ensure_ascii=False, indent=2) if _is_json(value) else text
    return [line[:MAX_LINE] for line in shown.splitlines()]


def _parsed(text: str) -> Any:
    """The value of a JSON text; a text that is none as it is, nothing for an empty one."""
    if not text:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _is_json(value: Any) -> bool:
    return isinstance(value, dict | list)
