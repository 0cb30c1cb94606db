"""Times as people write them: ``15m``, ``2h``, ``10:30``, ``2026-11-25T10:00``."""

import re
import time
from datetime import datetime, timedelta
from typing import Any

import click

_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d)")
_CLOCK = re.compile(r"\d{1,2}:\d\d(:\d\d)?")
_UNIX = re.compile(r"\d{9,10}(\.\d+)?")


class When(click.ParamType[float]):
    """Gives Unix seconds. Times without a zone are in that of this terminal."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        found = parse_when(str(value), time.time())
        if found is None:
            self.fail(
                f"{value!r} is no time: write 15m, 2h or 1d (ago), 10:30 (today), "
                "2026-11-25 or 2026-11-25T10:00",
                param,
                ctx,
            )
        return found


def parse_when(text: str, now: float) -> float | None:
    """Unix seconds, or None for what is no time."""
    text = text.strip()
    span = _SPAN.fullmatch(text.lower().removesuffix(" ago").strip())
    if span is not None:
        return now - float(span[1]) * _SECONDS[span[2]]
    if _UNIX.fullmatch(text):
        return float(text)
    today = datetime.fromtimestamp(now)
    words = {"now": today, "today": _midnight(today), "yesterday": _midnight(today, -1)}
    if text.lower() in words:
        return words[text.lower()].timestamp()
    try:
        if _CLOCK.fullmatch(text):
            hour, *rest = map(int, text.split(":"))
            minute, second = (*rest, 0)[:2]
            return today.replace(hour=hour, minute=minute, second=second, microsecond=0).timestamp()
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _midnight(day: datetime, days: int = 0) -> datetime:
    return day.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=days)
