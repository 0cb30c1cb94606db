"""stdout and stderr of a service that never fail whoever prints.

A full disk, a closed terminal or a reader that went away is no reason for a view to answer 500, nor
for a stopping thread to end early. What could not be written is counted.
"""

import contextlib
import io
import os
import select
import sys
from collections.abc import Callable
from typing import Any

from pie.observe import is_echo

LostOutput = Callable[[int, OSError], None]
"""Hears how many lines of output a descriptor did not take, and why."""

_PATIENCE_MS = 200
"""How long a pipe is waited for that takes nothing and may not be waited for."""
_NAMES = {1: "stdout", 2: "stderr"}


class Output(io.BufferedIOBase):
    """The binary end of stdout or stderr: writes at once, and never raises.

    Args:
        descriptor: 1 or 2.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._torn = False
        self.name = f"<{_NAMES[descriptor]}>"
        self.mode = "wb"
        self.lost: LostOutput | None = None

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: Any, /) -> int:
        """Write all of it, or what the descriptor takes; the rest is counted as lost."""
        given = bytes(data)
        if not given or is_echo():
            return len(given)
        whole = left = b"\n" + given if self._torn else given
        try:
            while left:
                left = left[self._write(left) :]
            self._torn = False
        except OSError as error:
            if len(left) < len(whole):
                # Half a line may stand there: the next one must not be taken for its end.
                self._torn = whole[len(whole) - len(left) - 1] != ord("\n")
            self._lose(left, error)
        return len(given)

    def _write(self, data: bytes) -> int:
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            waiting = select.poll()
            waiting.register(self._descriptor, select.POLLOUT)
            waiting.poll(_PATIENCE_MS)
            return os.write(self._descriptor, data)

    def _lose(self, data: bytes, error: OSError) -> None:
        if self.lost is not None:
            with contextlib.suppress(Exception):
                self.lost(data.count(b"\n") or 1, error)


def hold_descriptors() -> None:
    """Open 0, 1 and 2 where they are closed, so that no socket or file of ours becomes stdout."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)
            os.set_inheritable(descriptor, True)


def shield_streams() -> list[Output]:
    """Let ``sys.stdout`` and ``sys.stderr`` write through an ``Output``.

    The objects stay the same, so that handlers and libraries that hold them are shielded too. A
    stream that somebody put there instead is left as it is.
    """
    return [_shield(descriptor, name) for descriptor, name in _NAMES.items()]


def _shield(descriptor: int, name: str) -> Output:
    output = Output(descriptor)
    for attribute in (f"__{name}__", name):
        stream = getattr(sys, attribute)
        if stream is None:
            setattr(sys, attribute, _text(output))
        elif type(stream) is io.TextIOWrapper and _descriptor_of(stream) == descriptor:
            if isinstance(stream.buffer, Output):
                output = stream.buffer
                continue
            with contextlib.suppress(Exception):
                stream.flush()
            # One write for each line: a crash loses none, and processes do not mix theirs.
            stream.__init__(  # type: ignore[misc]
                output, encoding=stream.encoding, errors="backslashreplace", line_buffering=True
            )
            stream.mode = "w"  # type: ignore[misc]
    return output


def _text(output: Output) -> io.TextIOWrapper:
    return io.TextIOWrapper(output, "utf-8", "backslashreplace", line_buffering=True)


def _descriptor_of(stream: io.TextIOWrapper) -> int:
    try:
        return stream.fileno()
    except (OSError, ValueError):
        return -1
