"""One file being read: complete lines only, in order, from where the store has them."""

import os
import stat
from pathlib import Path
from typing import NamedTuple

import msgspec

from pie.agent.identity import HEAD_BYTES, Identity, head_of, identify
from pie.agent.journal import Entry
from pie.agent.names import LogFile
from pie.agent.options import MAX_LINE
from pie.agent.rows import Block
from pie.observe.log.stack import hash63

TAIL_BYTES = 512
"""So much before the position is remembered, at least the time of a usual line: a file that was
begun anew differs there, however it begins and grows."""
QUANTUM = 256 * 1024
"""Bytes a file may give before the next one has its turn."""
RECORD_WAIT_S = 1.0
"""How long the rest of a record of several lines is waited for; a traceback waits for it, since
another may follow from it."""
FINAL_AFTER_S = 600.0
"""Age past its hour, and quiet time, after which a last line without end is taken as it is."""

_OPEN_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Reached(NamedTuple):
    """A position and the bytes before it."""

    pos: int
    before: bytes


class TailFile:
    """Read by its stream's thread alone; the watch alone sets what it has ``seen`` and ``shrunk``.

    ``pos`` is read, ``acked`` is stored. ``level_at`` is when the reader last stood at the end.
    """

    __slots__ = (
        "_before",
        "_host_id",
        "_stored",
        "abandoned",
        "asked_final",
        "file",
        "full",
        "generation",
        "grown_at",
        "identity",
        "inode",
        "level_at",
        "path",
        "pos",
        "seen",
        "shrunk",
        "unread",
    )

    def __init__(
        self, root: Path, path: str, file: LogFile, host_id: str, entry: Entry | None
    ) -> None:
        self.path = path
        """Relative to the log root."""
        self.file = file
        self.full = root / path
        self._host_id = host_id
        self.identity: Identity | None = None
        self.inode = 0
        self.generation = 0
        self.pos = 0
        self._before: bytes | None = b""
        """The bytes before ``pos``; None until they were read again."""
        self._stored = (0, 0, 0)
        """``acked`` with the hash and the number of the bytes before it: one value, since the watch
        asks for it too."""
        self.shrunk = -1
        """Generation that was seen shorter than what is acknowledged of it."""
        self.seen = (0, 0)
        """Inode and size at the watch's last look."""
        self.grown_at = 0.0
        self.level_at = 0.0
        self.asked_final = False
        self.unread = False
        """To be read again, also if it does not grow: that failed, or the last record is open."""
        self.abandoned = False
        """No longer watched: what stands at its path now is another file."""
        if entry is not None and entry.identity is not None:
            self.identity = entry.identity
            self.inode = entry.identity.inode
            self.generation = entry.identity.generation
            self.pos = entry.pos
            self._before = None
            self._stored = (entry.pos, entry.tail, entry.tail_len)

    @property
    def acked(self) -> int:
        """All bytes before are stored."""
        return self._stored[0]

    @property
    def size(self) -> int:
        """Bytes at the watch's last look."""
        return self.seen[1]

    @property
    def unsent(self) -> int:
        """Bytes that are not acknowledged."""
        return max(0, self.size - self.acked)

    def look(self) -> os.stat_result:
        """Ask the file system. Raises OSError."""
        return self.full.stat(follow_symlinks=False)

    def is_settled(self, inode: int, size: int) -> bool:
        """All of it is acknowledged, as far as inode and size tell."""
        return self.identity is not None and self.inode == inode and self.acked == size

    def is_final(self, now: float, mtime: float) -> bool:
        """Its hour is long past and nobody has written lately."""
        hour = self.file.hour
        return hour is not None and min(now - hour.end, now - mtime) > FINAL_AFTER_S

    def entry(self) -> Entry:
        """Its entry in the journal."""
        return Entry(self.path, self.identity, *self._stored)

    def renamed(self, root: Path, path: str) -> "TailFile":
        """The same file at its new path, read from what is stored of it."""
        entry = msgspec.structs.replace(self.entry(), path=path)
        return TailFile(root, path, self.file, self._host_id, entry)

    def advance(self, block: Block, pos: int) -> None:
        """All of the block up to ``pos`` is read."""
        taken = block.data[: pos - block.start]
        self._before = ((self._before or b"") + taken)[-TAIL_BYTES:]
        self.pos = pos

    def go_back(self) -> None:
        """Read again what is not stored."""
        self.pos = self.acked
        self._before = None

    def reached(self) -> Reached:
        """How far it is read, for ``acknowledge``."""
        return Reached(self.pos, self._before or b"")

    def acknowledge(self, reached: Reached) -> int:
        """All before that is stored. Returns by how many bytes that is more than before."""
        moved = reached.pos - self.acked
        self._stored = (reached.pos, hash63(reached.before), len(reached.before))
        return moved

    def read(self, now: float) -> Block | None:
        """The next lines from ``pos`` on, at most a quantum of them; None when there is none.

        Does not move ``pos``. A file begun anew gets its new identity here, and ``pos`` 0.
        Raises OSError.
        """
        fd = os.open(self.full, _OPEN_FLAGS)
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                return None
            final = self.is_final(now, status.st_mtime)
            if not self._recognise(fd, status, final=final):
                return None
            return self._block(fd, status, now, final=final)
        finally:
            os.close(fd)

    def _block(self, fd: int, status: os.stat_result, now: float, *, final: bool) -> Block | None:
        left = status.st_size - self.pos
        if left <= 0:
            return None
        data = os.pread(fd, min(left, QUANTUM), self.pos)
        end = data.rfind(b"\n") + 1
        if not end and left > QUANTUM:
            data = os.pread(fd, min(left, MAX_LINE), self.pos)
            end = data.rfind(b"\n") + 1
        at_end = len(data) >= left
        if end:
            at_end = at_end and not (final and end < len(data))
            data = data[:end]
        elif len(data) < MAX_LINE and not final:
            return None
        continued = self.pos > 0 and os.pread(fd, 1, self.pos - 1) != b"\n"
        quiet = final or not 0 <= now - status.st_mtime < RECORD_WAIT_S
        return Block(data, self.pos, continued, at_end, status.st_mtime, quiet)

    def _recognise(self, fd: int, status: os.stat_result, *, final: bool) -> bool:
        """Whether it is known which file this is; begins anew when it is another than before."""
        known = self.identity
        if (
            known is not None
            and status.st_ino == self.inode
            and status.st_size >= self.pos
            and self.shrunk != self.generation
            and hash63(os.pread(fd, known.head_len, 0)) == known.head_hash
            and self._goes_on(fd)
        ):
            return True
        if known is not None:
            self.generation = self.generation + 1 if status.st_ino == self.inode else 0
            self.identity = None
            self.pos = 0
            self._before = b""
            self._stored = (0, 0, 0)
        elif status.st_ino != self.inode:
            self.generation = 0
        self.inode = status.st_ino
        head = head_of(os.pread(fd, HEAD_BYTES, 0), final=final)
        if head is None:
            return False
        self.identity = identify(
            self._host_id, self.path, status.st_dev, status.st_ino, head, self.generation
        )
        return True

    def _goes_on(self, fd: int) -> bool:
        """Whether the bytes before the position are still those that were read there."""
        known = self._before
        if known is not None:
            return os.pread(fd, len(known), self.pos - len(known)) == known
        _, tail, size = self._stored
        if size and hash63(os.pread(fd, size, self.pos - size)) != tail:
            return False
        size = min(self.pos, TAIL_BYTES)
        self._before = os.pread(fd, size, self.pos - size)
        return True
