"""Lines in a shared mapping, which outlive their process until they are written.

There are two halves: one fills while the other is written. ``ring.c`` fills them: first it puts a
line behind the others, then one store of their size keeps it. Here is noted, before lines are
written, in which file they are to stand and from which offset on, and after that how many bytes of
them do. Only C fills halves: the twin makes lines in the writer's thread.
"""

import struct
from typing import NamedTuple

from pie.observe.record.slots import DamagedError, Note, note_stores, read_note

HEAD_SIZE = 256
RELEASE = struct.pack("<Q", 0)
"""What is stored at the beginning of a half to free it."""
_HEAD = struct.Struct("<QdQ")
_WRITTEN = struct.Struct("<Q")
_WRITTEN_AT = 16
_NOTE_AT = _HEAD.size


class Lines(NamedTuple):
    """Lines of a half that are not known to be written, and how many bytes before them are.

    ``ts`` chooses their file.
    """

    ts: float
    written: int
    lines: bytes
    note: Note | None


def half_note_stores(note: Note) -> list[tuple[int, bytes]]:
    """What is stored to note where the lines that are not written yet are about to be."""
    return note_stores(note, _NOTE_AT)


def written_store(size: int) -> tuple[int, bytes]:
    """What is stored when so many bytes of a half stand in files."""
    return _WRITTEN_AT, _WRITTEN.pack(size)


def read_half(half: bytes) -> Lines | None:
    """What a half holds; None for a free one.

    Raises:
        DamagedError: no process of Pie left it like this.
    """
    used, ts, written = _HEAD.unpack_from(half)
    if used == 0:
        return None
    if not written <= used <= len(half) - HEAD_SIZE or not abs(ts) < 1e15:
        raise DamagedError(f"{used} bytes of lines in a half of {len(half)}")
    lines = half[HEAD_SIZE + written : HEAD_SIZE + used]
    return Lines(ts, written, lines, read_note(half, _NOTE_AT))


class Halves:
    """The two halves of this process for lines of one kind."""

    def __init__(self, memory: memoryview) -> None:
        self.memory = memory
        self._size = len(memory) // 2

    def note(self, half: int, note: Note) -> None:
        """Note where what is not written of a half is about to be."""
        for at, stored in half_note_stores(note):
            begin = half * self._size + at
            self.memory[begin : begin + len(stored)] = stored

    def wrote(self, half: int, size: int) -> None:
        """So many more bytes of a half stand in a file."""
        at = half * self._size + _WRITTEN_AT
        (before,) = _WRITTEN.unpack_from(self.memory, at)
        _WRITTEN.pack_into(self.memory, at, before + size)

    @property
    def empty(self) -> bool:
        """Whether no half is in use."""
        return not any(_HEAD.unpack_from(self.memory, n * self._size)[0] for n in (0, 1))


def missing(lines: bytes, written: bytes) -> bytes:
    """Those of some lines that do not stand in what was written to their file meanwhile.

    They were written at one place, from the first on, perhaps not all and the last not whole. The
    first is like no other: a record or line of a call has its ids, process and time.
    """
    first = lines[: lines.find(b"\n") + 1]
    at = written.find(first)
    if at < 0:
        at = written.find(first[:-1])
    if at < 0:
        return lines
    # A line that came before may be half: what counts is whether it ends like ours begins.
    same = _common(lines, written[at : at + len(lines)])
    # A line that lacks its end alone is there: whoever writes next ends it.
    same += lines[same : same + 1] == b"\n"
    return lines[lines.rfind(b"\n", 0, same) + 1 :]


def _common(one: bytes, other: bytes) -> int:
    """How many bytes of both are the same, from the first on."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
