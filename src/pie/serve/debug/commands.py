"""The commands that a running process answers. Every answer is bounded."""

import gc
import logging
import os
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import pie
from pie.model import Call
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


def _threads() -> Iterator[tuple[threading.Thread | None, int, FrameType]]:
    names = {thread.ident: thread for thread in threading.enumerate()}
    for ident, frame in list(sys._current_frames().items())[:_MAX_THREADS]:
        yield names.get(ident), ident, frame


def _stacks(_: Arguments) -> list[dict[str, Any]]:
    found = []
    for thread, ident, frame in _threads():
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
    """Read the calls from the stacks: every running call is a local variable of a frame of Pie's.
    So listing costs the calls themselves nothing."""
    now = time.monotonic()
    found: dict[int, dict[str, Any]] = {}
    for thread, ident, frame in _threads():
        at: FrameType | None = frame
        while at is not None:
            if at.f_code.co_filename.startswith(_OURS):
                call = at.f_locals.get("call")
                if isinstance(call, Call) and call.start and not call.end:
                    found[id(call)] = _call(call, now, ident if thread is None else thread.name)
            at = at.f_back
    return sorted(found.values(), key=lambda each: -each["age_ms"])


def _call(call: Call, now: float, thread: str | int) -> dict[str, Any]:
    return {
        "side": call.side,
        "callee": call.callee,
        "method": call.method,
        "logid": call.logid,
        "span_id": call.span_id,
        "peer": call.peer,
        "age_ms": round((now - call.start) * 1000, 3),
        "thread": str(thread),
    }


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
