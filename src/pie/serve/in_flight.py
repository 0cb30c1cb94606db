"""The calls that this process is busy with, found when somebody asks: listing costs the calls
themselves nothing."""

import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import pie
from pie._core import native
from pie.model import Call

MAX_THREADS = 500
_OURS = str(Path(pie.__file__).parent) + os.sep


class InFlight(NamedTuple):
    """A call that has begun and not ended.

    Attributes:
        seconds: since it began.
        thread: that runs it; empty where a server in C or an asyncio loop does.
    """

    call: Call
    seconds: float
    thread: str


def calls_in_flight() -> list[InFlight]:
    """Calls served, and calls that they wait for; the longest first.

    Calls that run in Python are local variables of frames of Pie's; C lists its own.
    """
    now = time.monotonic()
    found: dict[int, InFlight] = {}
    for call in native.serving() if native is not None else ():
        _add(found, call, now, "")
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for call, ident in native.answering() if native is not None else ():
        _add(found, call, now, names.get(ident, str(ident)))
    for thread, ident, frame in threads():
        name = str(ident) if thread is None else thread.name
        at: FrameType | None = frame
        while at is not None:
            if at.f_code.co_filename.startswith(_OURS):
                _add(found, _call_of(at.f_locals), now, name)
            at = at.f_back
    return sorted(found.values(), key=lambda each: -each.seconds)


def threads() -> Iterator[tuple[threading.Thread | None, int, FrameType]]:
    """Threads with their numbers and innermost frames; None for one that C code started."""
    names = {thread.ident: thread for thread in threading.enumerate()}
    for ident, frame in list(sys._current_frames().items())[:MAX_THREADS]:
        yield names.get(ident), ident, frame


def _call_of(names: Mapping[str, Any]) -> object:
    """The call that a frame of Pie's works on: its own, or that of its object."""
    return names["call"] if "call" in names else getattr(names.get("self"), "_call", None)


def _add(found: dict[int, InFlight], call: object, now: float, thread: str) -> None:
    if isinstance(call, Call) and call.start and not call.end:
        found.setdefault(id(call), InFlight(call, now - call.start, thread))
