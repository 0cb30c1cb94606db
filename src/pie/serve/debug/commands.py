"""The commands that a running process answers. Every answer is bounded."""

import gc
import logging
import os
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pie
from pie.serve.in_flight import calls_in_flight, threads
from pie.state import Setting

logger = logging.getLogger("pie.debug")
_MAX_THREADS = 500
_MAX_FRAMES = 100
_MAX_LINE = 300
_TOP_TYPES = 20
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_OURS = str(Path(pie.__file__).parent) + os.sep
Arguments = Mapping[str, Any]


class Commands:
    """The commands of one process.

    Args:
        settings: those in force.
    """

    def __init__(self, settings: Sequence[Setting]) -> None:
        self._settings = settings
        self._known: dict[str, tuple[str, Callable[[Arguments], Any]]] = {
            "help": ("this list", self._help),
            "stacks": ("what every thread is doing", _stacks),
            "calls": ("the calls being served, and those they wait for", _calls),
            "gc": ("garbage collector; objects=true counts objects by type (it pauses)", _gc),
            "settings": ("every setting, and where its value came from", self._show_settings),
            "loglevel": (
                "level of the log; level=DEBUG sets it; logger=NAME for one logger",
                _level,
            ),
        }

    def answer(self, request: Any) -> dict[str, Any]:
        """``{"ok": true, "result": …}`` or ``{"ok": false, "error": …}``."""
        if not isinstance(request, dict):
            return {"ok": False, "error": 'a request is an object: {"command": "help"}'}
        command = request.get("command")
        known = self._known.get(command) if isinstance(command, str) else None
        if known is None:
            names = ", ".join(self._known)
            return {"ok": False, "error": f"unknown command {str(command)[:50]!r}; known: {names}"}
        try:
            return {"ok": True, "result": known[1](request)}
        except ValueError as error:
            return {"ok": False, "error": str(error)}

    def _help(self, _: Arguments) -> dict[str, str]:
        return {name: meaning for name, (meaning, _) in self._known.items()}

    def _show_settings(self, _: Arguments) -> list[dict[str, str]]:
        return [
            {"key": each.key, "value": each.value, "source": each.source} for each in self._settings
        ]


def _stacks(_: Arguments) -> list[dict[str, Any]]:
    found = []
    for thread, ident, frame in threads():
        stack = traceback.extract_stack(frame)[-_MAX_FRAMES:]
        lines = [
            f"{each.filename}:{each.lineno} {each.name}: {each.line or ''}"[:_MAX_LINE]
            for each in stack
        ]
        name = f"unknown to Python's threading ({ident})" if thread is None else thread.name
        daemon = thread is not None and thread.daemon
        found.append({"thread": name, "ident": ident, "daemon": daemon, "stack": lines})
    return found


def _calls(_: Arguments) -> list[dict[str, Any]]:
    return [
        {
            "side": each.call.side,
            "callee": each.call.callee,
            "method": each.call.method,
            "logid": each.call.logid,
            "span_id": each.call.span_id,
            "peer": each.call.peer,
            "age_ms": round(each.seconds * 1000, 3),
            "thread": each.thread,
        }
        for each in calls_in_flight()
    ]


def _gc(arguments: Arguments) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "enabled": gc.isenabled(),
        "counts": gc.get_count(),
        "thresholds": gc.get_threshold(),
        "generations": gc.get_stats(),
        "frozen": gc.get_freeze_count(),
        "uncollectable": len(gc.garbage),
    }
    if str(arguments.get("objects", "")).lower() in ("true", "1"):
        kinds = Counter(type(each).__qualname__ for each in gc.get_objects())
        answer["objects"] = kinds.total()
        answer["types"] = dict(kinds.most_common(_TOP_TYPES))
    return answer


def _level(arguments: Arguments) -> dict[str, str]:
    name = str(arguments.get("logger") or "")
    chosen = logging.getLogger(name or None)
    level = arguments.get("level")
    if level is not None:
        level = str(level).upper()
        if level not in _LEVELS:
            raise ValueError(f"level is {level[:50]!r}; choose one of {', '.join(_LEVELS)}")
        before = logging.getLevelName(chosen.getEffectiveLevel())
        chosen.setLevel(level)
        logger.warning("log level of %s: %s, was %s", name or "root", level, before)
    return {
        "logger": name or "root",
        "level": str(logging.getLevelName(chosen.getEffectiveLevel())),
    }
