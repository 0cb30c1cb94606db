"""The slots of a shared mapping, in which the numbers of an aggregate outlive their process.

A slot holds one total: its key, its sums and its histogram. Whoever finds the mapping after its
process was killed, between any two stores, reads every call that was counted and no other:

- A slot is in use from the one store that sets its state, made when all else in it is there, until
  the one that clears it.
- The sums stand twice. A call is added in the copy that does not hold; then one store of the state
  makes it the one that holds, and the call is counted. That copy also says what the histogram has
  in the bucket of this call, because the store that puts it there comes after.
- A note says in which file, and from which offset on, the row of a slot stands if it was written.
  It is complete when its size is set. A row ends with the mark of its slot, so it can be found.

Numbers are little-endian. ``SlotWriter`` is the twin of ``slots.c``.
"""

import struct
import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

SUMS = 12
BUCKETS = 640
"""Of a histogram. A call that is longer than the last of them (a year) has no slot."""
_KEYS_SIZE = 1072
_NAME_SIZE = 204
_USED = 2

_STATE = struct.Struct("<I")
_HEAD = struct.Struct("<IIIIqQ")
_IDENTITY = struct.Struct("<qQ")
NOTE = struct.Struct(f"<QQI{_NAME_SIZE}s")
_NOTE_SIZE = struct.Struct("<I")
_COPY = struct.Struct(f"<{SUMS}qII")
_COUNT = struct.Struct("<I")
_HISTOGRAM = struct.Struct(f"<{BUCKETS}I")

_NOTE_AT = _HEAD.size
_COPIES_AT = _NOTE_AT + NOTE.size
_COPY_AT = (_COPIES_AT, _COPIES_AT + _COPY.size)
_EMPTY = (0,) * BUCKETS
_KEYS_AT = _COPIES_AT + 2 * _COPY.size
_HISTOGRAM_AT = _KEYS_AT + _KEYS_SIZE


_Put = Callable[..., None]
"""Puts numbers at an offset of the memory."""


class DamagedError(Exception):
    """A mapping or a slot of one is not what a process of Pie left behind."""


class Note(NamedTuple):
    """Where the row of a slot stands, if it does: in this file of ``facts``, from there on."""

    name: str
    inode: int
    offset: int


class Contents(NamedTuple):
    """What a slot holds. ``sequence`` is of this slot's use, and of no other in its mapping."""

    ts: int
    sequence: int
    keys: bytes
    sums: tuple[int, ...]
    histogram: dict[int, int]
    note: Note | None


def slot_size(*, histogram: bool) -> int:
    """Bytes of a slot."""
    return _HISTOGRAM_AT + histogram * _HISTOGRAM.size


def note_stores(note: Note, at: int = _NOTE_AT) -> list[tuple[int, bytes]]:
    """What is stored, in this order and by offset in the slot, to note it.

    Raises:
        ValueError: the name is too long.
    """
    name = note.name.encode()
    if len(name) > _NAME_SIZE:
        raise ValueError(f"the name of {note.name} is too long to note")
    return [
        (at + 16, _NOTE_SIZE.pack(0)),
        (at, NOTE.pack(note.inode, note.offset, 0, name)),
        (at + 16, _NOTE_SIZE.pack(len(name))),
    ]


RELEASE = _STATE.pack(0)
"""What is stored at the beginning of a slot to free it."""


def read_slot(slot: bytes | memoryview, *, histogram: bool) -> Contents | None:
    """What a slot holds; None for a free one.

    Raises:
        DamagedError: no process of Pie left it like this.
    """
    state, key_size, checksum, _, ts, sequence = _HEAD.unpack_from(slot)
    if state == 0:
        return None
    if state & ~1 != _USED or key_size > _KEYS_SIZE:
        raise DamagedError(f"a slot with state {state} and a key of {key_size} bytes")
    keys = bytes(slot[_KEYS_AT : _KEYS_AT + key_size])
    if zlib.crc32(_IDENTITY.pack(ts, sequence) + keys) != checksum:
        raise DamagedError("a slot whose key does not have its checksum")
    *sums, bucket, value = _COPY.unpack_from(slot, _COPY_AT[state & 1])
    counts: dict[int, int] = {}
    if histogram:
        counts = {n: c for n, c in enumerate(_HISTOGRAM.unpack_from(slot, _HISTOGRAM_AT)) if c}
        if bucket >= BUCKETS:
            raise DamagedError(f"a slot with a call in bucket {bucket}")
        if value:
            counts[bucket] = value
    return Contents(ts, sequence, keys, tuple(sums), counts, read_note(slot))


def read_note(slot: bytes | memoryview, at: int = _NOTE_AT) -> Note | None:
    """What is noted; None for nothing.

    Raises:
        DamagedError: that is no name of a file.
    """
    inode, offset, size, name = NOTE.unpack_from(slot, at)
    if size == 0:
        return None
    try:
        return Note(name[:size].decode(), inode, offset)
    except UnicodeDecodeError:
        raise DamagedError("a note names no file") from None


def pack_keys(values: Sequence[str | int]) -> bytes:
    """The values of a key as bytes. Raises ``struct.error`` when one is too large."""
    parts = []
    for value in values:
        if isinstance(value, str):
            text = value.encode("utf-8", "backslashreplace")
            parts.append(struct.pack("<H", len(text)) + text)
        else:
            parts.append(struct.pack("<q", value))
    return b"".join(parts)


def unpack_keys(keys: bytes, texts: Sequence[bool]) -> list[str | int]:
    """The values of a key; ``texts`` tells which of them are texts.

    Raises:
        DamagedError: that is no such key.
    """
    values: list[str | int] = []
    at = 0
    try:
        for is_text in texts:
            if is_text:
                (size,) = struct.unpack_from("<H", keys, at)
                at += 2 + size
                values.append(keys[at - size : at].decode())
            else:
                values += struct.unpack_from("<q", keys, at)
                at += 8
    except (struct.error, UnicodeDecodeError):
        at = -1
    if at != len(keys):
        raise DamagedError("a slot whose key is not of its table")
    return values


class Slots:
    """The slots of one aggregate of this process, written by C or by the twin."""

    def __init__(self, memory: memoryview, *, histogram: bool) -> None:
        self.memory = memory
        self.size = slot_size(histogram=histogram)
        self.histogram = histogram

    def sequence(self, slot: int) -> int:
        """What the mark of a slot in use is made of."""
        sequence: int = _HEAD.unpack_from(self.memory, slot * self.size)[-1]
        return sequence

    def note(self, slot: int, note: Note) -> None:
        """Note where its row is about to be written."""
        for at, stored in note_stores(note):
            begin = slot * self.size + at
            self.memory[begin : begin + len(stored)] = stored

    @property
    def empty(self) -> bool:
        """Whether no slot is in use."""
        starts = range(0, len(self.memory), self.size)
        return not any(_STATE.unpack_from(self.memory, start)[0] for start in starts)


class SlotWriter(Slots):
    """Counts in slots. Each store that a count is made of is one call of ``_put_…``.

    Args:
        memory: of all slots, free.
        sums: how many a slot adds up.
        histogram: whether it has one.
    """

    def __init__(self, memory: memoryview, sums: int, *, histogram: bool) -> None:
        super().__init__(memory, histogram=histogram)
        count = len(memory) // self.size
        self._free = list(range(count - 1, -1, -1))
        self._turn = [0] * count
        self._sequence = 0
        self._nothing = (0,) * sums
        self._put_copy: _Put = struct.Struct(f"<{sums}q{8 * (SUMS - sums)}xII").pack_into
        self._put_state: _Put = _STATE.pack_into
        self._put_count: _Put = _COUNT.pack_into

    def open(self, ts: int, values: Sequence[str | int]) -> int:
        """A slot that counts for a key; -1 when none is free or the key is too long."""
        if not self._free:
            return -1
        try:
            keys = pack_keys(values)
            identity = _IDENTITY.pack(ts, self._sequence + 1)
        except struct.error:
            return -1
        if len(keys) > _KEYS_SIZE:
            return -1
        self._sequence += 1
        slot = self._free.pop()
        self._turn[slot] = 0
        at = slot * self.size
        checksum = zlib.crc32(identity + keys)
        _HEAD.pack_into(self.memory, at, 0, len(keys), checksum, 0, ts, self._sequence)
        NOTE.pack_into(self.memory, at + _NOTE_AT, 0, 0, 0, b"")
        self._put_copy(self.memory, at + _COPY_AT[0], *self._nothing, 0, 0)
        self.memory[at + _KEYS_AT : at + _KEYS_AT + len(keys)] = keys
        if self.histogram:
            _HISTOGRAM.pack_into(self.memory, at + _HISTOGRAM_AT, *_EMPTY)
        self._put_state(self.memory, at, _USED)
        return slot

    def count(self, slot: int, sums: Sequence[int], bucket: int, value: int) -> bool:
        """Set the sums, and what the histogram has in a bucket; False when they do not fit."""
        turn = self._turn[slot] ^ 1
        at = slot * self.size
        if bucket >= BUCKETS:
            return False
        try:
            self._put_copy(self.memory, at + _COPY_AT[turn], *sums, bucket, value)
        except struct.error:
            return False
        self._turn[slot] = turn
        self._put_state(self.memory, at, _USED | turn)
        if self.histogram:
            self._put_count(self.memory, at + _HISTOGRAM_AT + bucket * _COUNT.size, value)
        return True

    def release(self, slot: int) -> None:
        """What stood in it is written, or counted elsewhere."""
        if not 0 <= slot < len(self._turn) or slot in self._free:
            raise ValueError(f"slot {slot} is not in use")
        self._put_state(self.memory, slot * self.size, 0)
        self._free.append(slot)
