"""Whatever dies, wherever: what a process counted stands in the files of rows, once."""

import contextlib
import functools
import json
import os
import tempfile
from collections import Counter
from datetime import UTC
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from tests.examples import examples

from pie.agent.names import parse_name
from pie.agent.rows import Block, RowMaker
from pie.model import Call
from pie.observe import Budget, Identity
from pie.observe.log import files
from pie.observe.log.files import HourlyFile
from pie.observe.log.line import LineFormat
from pie.observe.log.parse import LineParser
from pie.observe.record import recover as recovering
from pie.observe.record import road_files
from pie.observe.record.call_log import AGGREGATES, CallLog
from pie.observe.record.counts import CountFile
from pie.observe.record.slots import Slots
from pie.observe.record.totals import TotalsBacklog

WHO = Identity(psm="a.b.c", instance="10.0.0.1:80")
METHODS = ("Get", "Put")
SECONDS = (0.000_3, 0.001, 7.5)


class Killed(BaseException):
    """The process ends here, between two stores or in the middle of one."""


class Fuse:
    """Ends whoever burns it, at a step that was chosen before."""

    def __init__(self) -> None:
        self.left = -1

    def at_step(self) -> bool:
        """Whether this step is the last, and is not done or not done whole."""
        self.left -= self.left >= 0
        return self.left == 0


class Process:
    """A process that counts by the twin, and its parts as the recorder has them."""

    def __init__(self, root: Path, fuse: Fuse, disk: "Disk") -> None:
        self._fuse = fuse
        self.counted: list[tuple[str, str, int]] = []
        """What the one store that counts a call was made for, by aggregate."""
        self._under_way = ("", 0)
        self._copied = False
        self.log = CallLog(WHO, LineFormat("h", "a.b.c"), Budget(), lambda: None)
        self.counts = CountFile(root / "counts", WHO, AGGREGATES)
        self.backlogs = {}
        for name, slots in self.counts.slots.items():
            self.log.attach(name, slots.memory)
            file = SteppedFile(root / "facts", f"a.b.c.{name}", fuse, disk)
            self.backlogs[name] = TotalsBacklog(name, self.log, file)
            self._step_through(name)
            self.counts.slots[name] = _Notes(slots, fuse)

    def count(self, method: str, second: int, duration: float) -> None:
        call = Call("client", "thrift", caller="a.b.c", callee="d.e.f", method=method)
        call.started, call.start, call.end = second, 1.0, 1.0 + duration
        call.peer = "10.0.0.2:80"
        self._under_way = (method, round(duration * 1e6))
        self.log.record(call)

    def flush(self, now: float) -> None:
        for name, backlog in self.backlogs.items():
            backlog.add(self.log.take_totals(name, now), self.counts)
            backlog.flush(self.counts)

    def end(self) -> None:
        """Of the kernel: it frees the lock of a process that is gone."""
        self.counts._unlock()

    def _step_through(self, name: Any) -> None:
        writer = self.log._aggregators[name]._slots
        assert writer is not None
        for put in ("_put_copy", "_put_state", "_put_count"):
            stepped = functools.partial(self._put, name, put, getattr(writer, put))
            setattr(writer, put, stepped)

    def _put(
        self, name: str, put: str, act: Any, memory: memoryview, at: int, *values: int
    ) -> None:
        if self._fuse.at_step():
            if put == "_put_copy":  # It is no single store.
                part = bytearray(memory[at : at + 104])
                act(part, 0, *values)
                memory[at : at + 57] = part[:57]
            raise Killed
        act(memory, at, *values)
        # A slot that is begun is in its first turn as well, with nothing in it.
        if put == "_put_state" and self._copied:
            self.counted.append((name, *self._under_way))
        self._copied = put == "_put_copy" and any(values)


class _Notes(Slots):
    """Notes of slots, each store a step."""

    def __init__(self, slots: Slots, fuse: Fuse) -> None:
        super().__init__(slots.memory, histogram=slots.histogram)
        self._fuse = fuse

    def note(self, slot: int, note: Any) -> None:
        for at, stored in recovering.note_stores(note):
            cut = len(stored) // 2 if self._fuse.at_step() else len(stored)
            begin = slot * self.size + at
            if cut == len(stored) or len(stored) > 8:
                self.memory[begin : begin + cut] = stored[:cut]
            if cut < len(stored):
                raise Killed


class Disk:
    """Takes ``room`` more bytes of rows; None: as many as come."""

    def __init__(self) -> None:
        self.room: int | None = None

    def take(self, wanted: int) -> int:
        taken = wanted if self.room is None else min(wanted, self.room)
        if self.room is not None:
            self.room -= taken
        return taken


def write(descriptor: int, data: bytes, fuse: Fuse, disk: Disk) -> int:
    """os.write to a disk that may be full, by a process that may be killed meanwhile."""
    killed = fuse.at_step()
    taken = disk.take(len(data) * 2 // 3 if killed else len(data))
    if not taken and not killed:
        raise OSError(28, "No space left on device")
    written = os.write(descriptor, data[:taken])
    if killed:
        raise Killed
    return written


class SteppedFile(HourlyFile):
    """A file of rows or lines on that disk."""

    def __init__(
        self, folder: Path, stem: str, fuse: Fuse, disk: Disk, suffix: str = "ndjson"
    ) -> None:
        super().__init__(folder, stem, suffix)
        self._end = fuse, disk

    def _write(self, file: Any, lines: bytes) -> int:
        forward: Any = {name: getattr(os, name) for name in dir(os)}
        forward["write"] = lambda fd, data: write(fd, data, *self._end)
        try:
            files.os = SimpleNamespace(**forward)  # type: ignore[attr-defined]
            return super()._write(file, lines)
        finally:
            files.os = os  # type: ignore[attr-defined]


class Once(RuleBasedStateMachine):
    """Processes that count, write and die; a disk that fills; a reader that dies too."""

    @initialize()
    def begin(self) -> None:
        self._ends = contextlib.ExitStack()
        self._root = Path(self._ends.enter_context(tempfile.TemporaryDirectory()))
        self._fuse, self._disk = Fuse(), Disk()
        self._now = 1000.0
        self._counted: Counter[tuple[str, str, int]] = Counter()
        self._processes: list[Process] = []
        self._start()
        self._start()
        forward = {name: getattr(os, name) for name in dir(os)}
        forward["write"] = lambda fd, data: write(fd, data, self._fuse, self._disk)
        forward["pwrite"] = self._pwrite
        fake: Any = SimpleNamespace(**forward)
        for module in (recovering, road_files):
            module.os = fake
        self._ends.callback(setattr, recovering, "os", os)
        self._ends.callback(setattr, road_files, "os", os)

    def _start(self) -> None:
        self._processes.append(Process(self._root, self._fuse, self._disk))

    def _pwrite(self, descriptor: int, data: bytes, at: int) -> int:
        if self._fuse.at_step():
            if len(data) > 8:
                os.pwrite(descriptor, data[: len(data) // 2], at)
            raise Killed
        return os.pwrite(descriptor, data, at)

    def _run(self, number: int, steps: int, act: Any) -> None:
        """A process acts, and may be killed after some steps."""
        process = self._processes[number % len(self._processes)]
        self._fuse.left = steps
        try:
            act(process)
        except Killed:
            self._bury(process)
        self._fuse.left = -1

    def _bury(self, process: Process) -> None:
        self._counted.update(process.counted)
        process.end()
        self._processes.remove(process)
        while len(self._processes) < 2:
            self._start()

    steps = st.sampled_from([-1] * 6 + [*range(1, 10)])
    number = st.integers(0, 2)

    @rule(
        number=number,
        steps=steps,
        method=st.sampled_from(METHODS),
        duration=st.sampled_from(SECONDS),
    )
    def count(self, number: int, steps: int, method: str, duration: float) -> None:
        self._run(number, steps, lambda each: each.count(method, int(self._now), duration))

    @rule(number=number, steps=steps, seconds=st.sampled_from([0, 11, 11, 70]))
    def flush(self, number: int, steps: int, seconds: int) -> None:
        self._now += seconds
        self._run(number, steps, lambda each: each.flush(self._now))

    @rule(method=st.sampled_from(METHODS), steps=st.sampled_from([1, 2, 3, 4, 5]))
    def die_beside_another_writer(self, method: str, steps: int) -> None:
        for number in (0, 1):
            self.count(number, -1, method, 0.001)
        self.flush(1, -1, 11)
        self.count(1, -1, method, 0.001)
        self.flush(0, steps, 0)
        self.flush(0, -1, 11)

    @rule(number=number)
    def kill(self, number: int) -> None:
        self._bury(self._processes[number % len(self._processes)])

    @rule()
    def fork(self) -> None:
        if len(self._processes) < 3:
            self._start()

    @rule(room=st.sampled_from([None, None, 0, 300, 900]))
    def fill_or_empty_the_disk(self, room: int | None) -> None:
        self._disk.room = room

    @rule(steps=steps)
    def recover(self, steps: int) -> None:
        self._fuse.left = steps
        with contextlib.suppress(Killed, OSError):
            recovering.recover(self._root / "counts", self._root / "facts")
        self._fuse.left = -1

    def teardown(self) -> None:
        if not hasattr(self, "_processes"):
            return
        with self._ends:
            self._fuse.left, self._disk.room = -1, None
            for number, process in enumerate(self._processes):
                if number == 0:
                    process.flush(float("inf"))
                    process.counts.close()
                self._counted.update(process.counted)
                process.end()
            for _ in range(2):
                done = recovering.recover(self._root / "counts", self._root / "facts")
                assert done.damaged == 0
            assert done == (0, 0, 0, 0)
            self._check()

    def _check(self) -> None:
        for name in AGGREGATES:
            rows = self._rows(name)
            calls: Counter[str] = Counter()
            microseconds: Counter[str] = Counter()
            for (counted, method, duration), times in self._counted.items():
                if counted == name:
                    calls[method if name == "edges" else ""] += times
                    microseconds[method if name == "edges" else ""] += duration * times
            for method in calls | Counter(row.get("method", "") for row in rows):
                of_method = [row for row in rows if row.get("method", "") == method]
                assert sum(row["count"] for row in of_method) == calls[method]
                assert sum(row["duration_us"] for row in of_method) == microseconds[method]
                if name == "edges":
                    buckets = sum(sum(row["histogram"].values()) for row in of_method)
                    assert buckets == calls[method]
            marks = [row["mark"] for row in rows]
            assert len(marks) == len(set(marks))

    def _rows(self, name: str) -> list[Any]:
        """As the agent reads them."""
        make = RowMaker(LineParser(UTC), "h")
        found = []
        for file in (self._root / "facts").glob(f"a.b.c*.{name}.1*.ndjson"):
            kind = parse_name("facts", file.name, UTC)
            assert kind is not None
            data = file.read_bytes()
            for row in make.rows(Block(data, 0, False, True, 0.0), kind, 1):
                with contextlib.suppress(ValueError):
                    found += [json.loads(row.json)] if row.json else []
        return found


Once.TestCase.settings = settings(
    max_examples=examples(6),
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestOnce = pytest.mark.filterwarnings("default")(Once.TestCase)
