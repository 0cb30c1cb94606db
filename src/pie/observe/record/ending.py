"""The end of a process: what was counted and recorded is written, however Python lets us know.

A process of ``multiprocessing``, also one of a pool, ends by ``os._exit`` after it has run the
finalizers of ``multiprocessing.util``, and forgets at its beginning those that its parent had. A
process that was forked otherwise, and exits by itself, runs what ``atexit`` knew in its parent.
"""

import atexit
import contextlib
import sys
import weakref
from typing import Any, Protocol

_LAST = -100
"""Priority of a finalizer: after the children were joined and users' finalizers ran."""


class _Writes(Protocol):
    def flush(self, *, final: bool) -> bool: ...
    def end(self) -> None: ...


_writers: "weakref.WeakSet[_Writes]" = weakref.WeakSet()


def write_at_end(writer: _Writes) -> None:
    """Flush, or end, a writer when this process ends. Call it in forked children again."""
    _writers.add(writer)
    util: Any = sys.modules.get("multiprocessing.util")
    process: Any = sys.modules.get("multiprocessing.process")
    if util is None or process is None:
        return
    # In a child that was forked just now, multiprocessing is still to forget its finalizers.
    util.register_after_fork(_writers, _finalize)
    if process.parent_process() is not None:
        _finalize(None)


def _finalize(_: object) -> None:
    sys.modules["multiprocessing.util"].Finalize(None, _write, exitpriority=_LAST)


def _write() -> None:
    for writer in list(_writers):
        with contextlib.suppress(Exception):  # Nothing is left to say it to.
            writer.flush(final=True)


def _end() -> None:
    for writer in list(_writers):
        with contextlib.suppress(Exception):
            writer.end()


atexit.register(_end)
