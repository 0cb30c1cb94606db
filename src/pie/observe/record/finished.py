"""A finished call as it is written down: what the sources of the tables of rows name.

The twin of ``finished.c``. An attribute here, and a member there, is a source that a ``Field`` may
name.
"""

from collections.abc import Callable, Iterable
from functools import cache
from operator import attrgetter
from typing import Any

from pie.model import Call
from pie.observe.identity import Identity


class Finished:
    """A call or attempt that has ended.

    Attributes:
        call: itself.
        process: who recorded it.
        ts: Unix seconds of its start, to the microsecond.
        ended: Unix seconds of its end.
        outcome, raised_by, rule: of its failure, or ``ok`` or ``business`` and empty.
        env, version: the call's own; that of the process where the call has none. The version of
            the process stands for calls that it serves.
        duration_us, queued_us: in microseconds.
        weight: calls that its record stands for.
        one: 1.
        retries: attempts after the first that are no hedges.
        failures: 1 when it got no answer: its outcome is neither ``ok`` nor ``business``; else 0.
        whole: 1 for a whole call, 0 for one of its attempts.
        sent: 1 for what is one attempt made at an instance: an attempt, or a call that was tried
            once; else 0.
    """

    __slots__ = (
        "call",
        "duration_us",
        "ended",
        "env",
        "failures",
        "one",
        "outcome",
        "process",
        "queued_us",
        "raised_by",
        "retries",
        "rule",
        "sent",
        "ts",
        "version",
        "weight",
        "whole",
    )

    def __init__(self, call: Call, process: Identity) -> None:
        failure = call.failure
        serves = call.side == "server"
        self.call = call
        self.process = process
        self.ts = round(call.started, 6)
        self.duration_us = max(0, round((call.end - call.start) * 1e6))
        self.ended = self.ts + self.duration_us / 1e6
        self.outcome: str = call.outcome
        self.raised_by = "" if failure is None else failure.raised_by
        self.rule = "" if failure is None else failure.rule
        self.env = call.env or process.env
        self.version = call.version or (process.version if serves else "")
        self.queued_us = max(0, round(call.queued * 1e6))
        self.weight = 1.0
        self.one = 1
        self.retries = max(0, call.attempts - 1 - call.hedges)
        self.failures = int(self.outcome not in ("ok", "business"))
        self.whole = int(call.attempt == 0)
        made_once = call.attempt > 0 or call.attempts == 1
        self.sent = int(not serves and made_once and call.peer != "")


def reader_of(sources: Iterable[str]) -> Callable[[Finished], tuple[Any, ...]]:
    """Reads the values of some sources of a finished call, in their order.

    A source is ``NAME`` (an attribute of ``Finished``), ``process.NAME``, ``call.NAME`` or, for a
    key of the call's metadata, ``call.persist.KEY``, ``call.transit.KEY`` or
    ``call.backward.KEY``. A key that a call lacks, or whose value is no ``str``, is empty.

    Raises:
        ValueError: there is no such source; the error names it.
    """
    paths: list[str] = []
    keys: dict[int, str] = {}
    for number, source in enumerate(sources):
        path, key = _parse(source)
        paths.append(path)
        if key:
            keys[number] = key
    read = attrgetter(*paths, "one", "one")  # Two more, so that it always gives a tuple.
    if not keys:
        return lambda finished: read(finished)[:-2]

    def read_all(finished: Finished) -> tuple[Any, ...]:
        values = list(read(finished)[:-2])
        for number, key in keys.items():
            value = values[number].get(key)
            values[number] = value if type(value) is str else ""
        return tuple(values)

    return read_all


def _parse(source: str) -> tuple[str, str]:
    """The path of a source's attribute, and the key in it if it is metadata."""
    parts = source.split(".", 2)
    path, key = ".".join(parts[:2]), "".join(parts[2:])
    known = len(parts) == 1 or parts[0] in ("call", "process")
    if known and _type_at(path) in ((dict,) if key else (str, list, int, float)):
        return path, key
    raise ValueError(
        f"the source {source!r} of a row is neither a field of a Call, nor a key of its metadata "
        "(call.persist.KEY), nor a member of Finished that can be written"
    )


@cache
def _type_at(path: str) -> type | None:
    """The type of an attribute of ``Finished`` or of its call; None where there is none."""
    call = Call("server", "http", caller="", callee="a.b.c", method="")
    try:
        return type(attrgetter(path)(Finished(call, Identity(psm="a.b.c"))))
    except AttributeError:
        return None
