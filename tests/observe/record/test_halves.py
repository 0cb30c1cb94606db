"""Lines in a shared mapping: each stands in its file once, whoever dies while they are written."""

import contextlib
import functools
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.observe.record.test_exactly_once import Disk, Fuse, Killed, SteppedFile, write

from pie._core import native
from pie.model import Call
from pie.observe import Budget, Identity
from pie.observe.log.line import LineFormat
from pie.observe.record import recover as recovering
from pie.observe.record import recover_lines, road_files
from pie.observe.record.backlog import Backlog
from pie.observe.record.call_log import AGGREGATES, CallLog, call_log
from pie.observe.record.counts import CountFile, LinesHeader
from pie.observe.record.halves import HEAD_SIZE, Halves, half_note_stores, missing, read_half
from pie.observe.record.slots import DamagedError

if native is None:
    pytest.skip("only C keeps lines in a mapping", allow_module_level=True)

WHO = Identity(psm="a.b.c")
LINES = [
    LinesHeader(name="calls", folder="facts", file="a.b.c.calls", half=64 << 10),
    LinesHeader(name="asked", folder="rpc", file="a.b.c", half=32 << 10),
]
START = 1_700_000_000.0


class Process:
    """A process that writes records and lines, a step at a time."""

    def __init__(self, root: Path, fuse: Fuse, disk: Disk) -> None:
        self.log: Any = call_log(WHO, LineFormat("h", "a.b.c"), Budget(10**9), lambda: None)
        self.counts = CountFile(root / "counts", WHO, AGGREGATES, LINES)
        self.backlogs = []
        for each in LINES:
            halves = self.counts.halves[each.name]
            self.log.attach_halves(each.name, halves.memory)
            self.counts.halves[each.name] = _Stepped(halves.memory, fuse)
            file = SteppedFile(root / "log" / each.folder, each.file, fuse, disk, each.suffix)
            self.backlogs.append(Backlog(each.name, _Releasing(self.log, fuse), file))

    def record(self, logid: str, started: float) -> None:
        call = Call("client", "http", caller="a.b.c", callee="d.e.f", method="Get", logid=logid)
        call.started = started
        self.log.record(call)

    def flush(self) -> None:
        for backlog in self.backlogs:
            if backlog.flush(self.counts):
                backlog.take(self.counts)
                backlog.flush(self.counts)

    def end(self) -> None:
        """Of the kernel: it frees the lock of a process that is gone."""
        self.counts._unlock()


class _Stepped(Halves):
    def __init__(self, memory: memoryview, fuse: Fuse) -> None:
        super().__init__(memory)
        self._fuse = fuse

    def note(self, half: int, note: Any) -> None:
        for at, stored in half_note_stores(note):
            begin = half * self._size + at
            killed = self._fuse.at_step()
            size = len(stored) // 2 if killed else len(stored)
            if not killed or len(stored) > 8:
                self.memory[begin : begin + size] = stored[:size]
            if killed:
                raise Killed

    def wrote(self, half: int, size: int) -> None:
        if self._fuse.at_step():
            raise Killed
        super().wrote(half, size)


class _Releasing:
    def __init__(self, log: Any, fuse: Fuse) -> None:
        self._log = log
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def release_half(self, what: Any, half: int) -> None:
        if self._fuse.at_step():
            raise Killed
        self._log.release_half(what, half)


def pwrite(fuse: Fuse, descriptor: int, data: bytes, at: int) -> int:
    if fuse.at_step():
        if len(data) > 8:
            os.pwrite(descriptor, data[: len(data) // 2], at)
        raise Killed
    return os.pwrite(descriptor, data, at)


@contextlib.contextmanager
def stepped_os(fuse: Fuse, disk: Disk) -> Iterator[None]:
    """Recovery is killed and meets a full disk, too."""
    forward: Any = {name: getattr(os, name) for name in dir(os)}
    forward["write"] = lambda fd, data: write(fd, data, fuse, disk)
    forward["pwrite"] = functools.partial(pwrite, fuse)
    modules: list[Any] = [recovering, recover_lines, road_files]
    try:
        for each in modules:
            each.os = SimpleNamespace(**forward)
        yield
    finally:
        for each in modules:
            each.os = os


steps = st.sampled_from([-1, -1, *range(1, 9)])
actions = st.one_of(
    st.tuples(st.just("record"), st.integers(1, 3)),
    st.tuples(st.just("record"), st.integers(1, 3)),
    st.tuples(st.just("flush"), steps),
    st.tuples(st.just("flush"), steps),
    st.tuples(st.just("recover"), steps),
    st.tuples(st.just("kill"), st.just(0)),
    st.tuples(st.just("room"), st.sampled_from([-1, 0, 200, 900, 2000])),
    st.tuples(st.just("later"), st.sampled_from([1, 900, 3600])),
)


@settings(max_examples=examples(12), deadline=None)
@given(st.lists(actions, min_size=3, max_size=25))
# The kill comes when all of a line but its end is written.
@example([("record", 3), ("record", 1), ("flush", 4), ("record", 3), ("flush", 4)])
def test_each_line_stands_in_its_file_once(acts: list[tuple[str, int]]) -> None:
    fuse, disk = Fuse(), Disk()
    with tempfile.TemporaryDirectory() as folder, stepped_os(fuse, disk):
        root = Path(folder)
        run(root, fuse, disk, acts)


def run(root: Path, fuse: Fuse, disk: Disk, acts: list[tuple[str, int]]) -> None:
    process, made, now = Process(root, fuse, disk), 0, START
    for act, number in acts:
        if act == "record":
            for _ in range(number):
                process.record(f"id{made}", now)
                made += 1
        elif act == "later":
            now += number
        elif act == "room":
            disk.room = None if number < 0 else number
        elif act == "recover":
            fuse.left = number
            with contextlib.suppress(Killed, OSError):
                recovering.recover(root / "counts", root / "log" / "facts")
        else:
            fuse.left = number if act == "flush" else 1
            try:
                if act == "kill":
                    raise Killed
                process.flush()
            except Killed:
                process.end()
                # Lines of another quarter of an hour wait in private memory: none is lost here.
                process = Process(root, fuse, disk)
                now = START
        fuse.left = -1
        if act == "later":
            process.flush()
            if disk.room is not None:
                disk.room = None
                process.flush()
    disk.room = None
    process.end()
    for _ in range(2):
        done = recovering.recover(root / "counts", root / "log" / "facts")
        assert done.damaged == 0
    assert done == (0, 0, 0, 0)
    expected = sorted(f"id{n}" for n in range(made))
    assert sorted(records(root)) == expected
    assert sorted(lines(root)) == expected


def records(root: Path) -> list[str]:
    found = []
    for file in (root / "log" / "facts").glob("a.b.c*.calls.2*.ndjson"):
        for line in file.read_text().splitlines():
            with contextlib.suppress(ValueError):
                found.append(json.loads(line)["logid"])
    return found


def lines(root: Path) -> list[str]:
    found = []
    for file in (root / "log" / "rpc").glob("a.b.c*.2*.log"):
        for line in file.read_text().splitlines():
            if line.endswith("rpc_status=success"):
                found.append(line.split(" ")[6])
    return found


some_lines = st.lists(
    st.integers(0, 10**9).map(lambda n: b"line %d\n" % n), max_size=8, unique=True
)


@settings(max_examples=examples(40))
@given(some_lines.filter(bool), st.integers(0, 200), st.lists(st.sampled_from([b"other\n", b"\n"])))
def test_what_is_missing_of_lines(ours: list[bytes], cut: int, others: list[bytes]) -> None:
    text = b"".join(ours)
    written = b"".join(others) + text[:cut] + b"torn\n" + b"".join(others)
    rest = missing(text, written)
    assert text.endswith(rest)
    # A line that lacks its end alone is there.
    cut += text[cut : cut + 1] == b"\n"
    whole = text[: text.rfind(b"\n", 0, cut) + 1] if cut >= len(ours[0]) else b""
    assert text == whole + rest


def test_a_full_half_leaves_the_rest_to_private_memory() -> None:
    log: Any = call_log(WHO, LineFormat("h", "a.b.c"), Budget(10**9), lambda: None)
    memory = memoryview(bytearray(2 * 4096))
    log.attach_halves("asked", memory)
    call = Call("client", "http", caller="a.b.c", callee="d.e.f", method="Get")
    taken = []
    for number in range(40):
        call.logid = f"id{number}"
        log.record(call)
    half = log.take_half("asked")
    assert half is not None
    assert 0 < len(half[1]) <= 4096 - HEAD_SIZE
    taken.append(half[1])
    taken += [batch for _, batch in log.take("asked")]
    found = [line.split(b" ")[6] for line in b"".join(taken).splitlines()]
    assert found == [b"id%d" % n for n in range(40)]
    log.record(call)
    other = log.take_half("asked")
    assert other is not None
    assert {half[2], other[2]} == {0, 1}
    log.record(call)  # Both are in use.
    assert log.take_half("asked") is None
    assert len(log.take("asked")) == 1
    for each in (half[2], other[2]):
        log.release_half("asked", each)
    for wrong in (0, 1, 2, -1):
        with pytest.raises(ValueError, match="not in use"):
            log.release_half("asked", wrong)
    assert read_half(bytes(memory[:4096])) is None


def test_no_halves_and_damaged_ones_are_refused() -> None:
    log: Any = call_log(WHO, LineFormat("h", "a.b.c"), Budget(10**9), lambda: None)
    for wrong in (b"x" * 4096, memoryview(bytearray(100)), "x"):
        with pytest.raises((ValueError, BufferError, TypeError)):
            log.attach_halves("asked", wrong)
    twin = CallLog(WHO, LineFormat("h", "a.b.c"), Budget(), lambda: None)
    assert twin.take_half("asked") is None
    head = bytearray(4096)
    head[:8] = (5000).to_bytes(8, "little")
    with pytest.raises(DamagedError):
        read_half(bytes(head))
