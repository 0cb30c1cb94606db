"""Values of rules as people write them: ``2s``, ``10%``, ``on``; and as rules hold them.

A text is read by the form and unit of its field. What cannot be read stays as it is, so that the
check of the rule's type names it.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pie.govern import Rule, RuleField, describe

_NUMBER: Final = re.compile(r"([+-]?[\d_,]*\.?\d+(?:e[+-]?\d+)?)\s*(\D*)", re.IGNORECASE)
_SECONDS: Final[Mapping[str, float]] = {
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "min": 60.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86_400.0,
}
_FLAGS: Final[Mapping[str, bool]] = {
    "on": True,
    "yes": True,
    "true": True,
    "off": False,
    "no": False,
    "false": False,
}


def read_body(rule: type[Rule], body: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a rule, its texts read as its fields say."""
    forms = {each.name: each for each in describe(rule)}
    return {
        name: _read(forms[name], value) if name in forms else value for name, value in body.items()
    }


def read_scope(scope: Mapping[str, Any]) -> dict[str, Any]:
    """The scope of a rule; names that were written as ``a, b`` become a list."""
    return {name: _names(value) if value is not None else "*" for name, value in scope.items()}


def show_value(field: RuleField | None, value: Any) -> str:
    """A value for people, with its unit: ``2 s``, ``10 %``, ``on``."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {show_value(None, each)}" for name, each in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(str(each) for each in value) or "none"
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, float):
        value = f"{value:g}" if value < 1e15 else value
    unit = field.unit if field is not None else ""
    return f"{value} {unit}".rstrip() if value != "" else '""'


def _read(field: RuleField, value: Any) -> Any:
    if field.form == "weights" and isinstance(value, Mapping):
        return {str(name): _number(field, each) for name, each in value.items()}
    if not isinstance(value, str):
        return value
    text = value.strip()
    match field.form:
        case "number" | "whole":
            value = _number(field, text)
        case "flag":
            value = _FLAGS.get(text.lower(), value)
        case "names":
            value = [each.strip() for each in text.split(",") if each.strip()]
        case "weights":
            value = _weights(field, text)
        case "time":
            value = _time(text)
    return value


def _number(field: RuleField, value: Any) -> Any:
    """A number with or without the unit of the field, or one that can be turned into it."""
    if not isinstance(value, str):
        return value
    found = _NUMBER.fullmatch(value.strip())
    if found is None:
        return value
    amount = float(found[1].replace("_", "").replace(",", ""))
    unit = found[2].strip().lower()
    factor = _factor(unit, field.unit.lower(), field.most)
    if factor is None:
        return value
    amount = round(amount * factor, 9)
    return int(amount) if amount.is_integer() and field.form == "whole" else amount


def _factor(written: str, unit: str, most: float) -> float | None:
    if written in ("", unit) or unit.startswith(written + "/") or unit == f"{written}s":
        return 1.0
    if written in _SECONDS and unit in _SECONDS:
        return _SECONDS[written] / _SECONDS[unit]
    if written == "%":
        return 0.01 if most <= 1 else 1.0
    if written in ("/s", "qps") and unit == "calls/s":
        return 1.0
    return None


def _weights(field: RuleField, text: str) -> Any:
    """``default: 90, canary: 10``, or the same with ``=``."""
    found = {}
    for part in text.split(","):
        name, sign, weight = part.replace("=", ":").rpartition(":")
        if not sign:
            return text
        found[name.strip()] = _number(field, weight.strip())
    return found


def _time(text: str) -> str:
    """A time as the rule's type takes it: without a zone it is in UTC."""
    try:
        found = datetime.fromisoformat(text.removesuffix(" UTC"))
    except ValueError:
        return text
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).isoformat()


def _names(value: Any) -> Any:
    if isinstance(value, str) and "," in value:
        names = [each.strip() for each in value.split(",") if each.strip()]
        return names if len(names) != 1 else names[0]
    return value
