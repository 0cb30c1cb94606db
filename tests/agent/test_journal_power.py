"""A power cut at any point of the journal's work forgets nothing acknowledged, and skips no line.

The journal runs on a disk that keeps only what was synced, and of the rest whatever it likes.
"""

import errno
import io
import os
from types import SimpleNamespace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.examples import examples

from pie.agent import journal as journal_module
from pie.agent.identity import Identity
from pie.agent.journal import Entry, Journal

FILES = ("app", "rpc", "facts")


class PowerCut(BaseException):
    """The machine stops here."""


class File:
    """``data`` is what a reader sees, ``synced`` what a power cut leaves for sure."""

    def __init__(self):
        self.data = b""
        self.synced = b""


class Disk:
    """One directory. ``trouble`` is (operations until it, what then happens)."""

    def __init__(self):
        self.names = {}
        self.history = [{}]
        """What the directory may be after a power cut, since it was synced."""
        self.opened = {}
        self.next = 100
        self.trouble = None

    def step(self):
        """Before and after each operation; raises what was asked for."""
        if self.trouble is None:
            return
        left, what = self.trouble
        if left:
            self.trouble = (left - 1, what)
            return
        self.trouble = None
        raise what

    def open(self, path, flags, mode=0o600):
        self.step()
        is_directory = flags & os.O_DIRECTORY
        if not is_directory and (flags & os.O_TRUNC or path.name not in self.names):
            self.names = {**self.names, path.name: File()}
            self.history.append(self.names)
        self.next += 1
        self.opened[self.next] = None if is_directory else self.names[path.name]
        return self.next

    def write(self, fd, data):
        self.step()
        taken = len(data) if self.trouble is None or len(data) < 2 else len(data) // 2
        self.opened[fd].data += bytes(data[:taken])
        self.step()
        return taken

    def fsync(self, fd):
        self.step()
        file = self.opened[fd]
        if file is None:
            self.history = [self.names]
        else:
            file.synced = file.data
        self.step()

    def close(self, fd):
        del self.opened[fd]

    def replace(self, source, target):
        self.step()
        names = dict(self.names)
        names[target] = names.pop(source)
        self.names = names
        self.history.append(names)
        self.step()

    def cut_power(self, draw):
        """What a new machine finds."""
        after = Disk()
        names = draw(st.sampled_from(self.history))
        for name, file in names.items():
            unsynced = file.data[len(file.synced) :]
            kept = draw(st.integers(0, len(unsynced)))
            found = File()
            found.data = file.synced + unsynced[:kept]
            if kept and draw(st.booleans()):
                # The length came to the disk, and the last block did not.
                zeros = draw(st.integers(1, kept))
                found.data = found.data[:-zeros] + bytes(zeros)
            found.synced = found.data
            after.names[name] = found
        after.history = [after.names]
        return after


class Path:
    """What the journal uses of a path."""

    def __init__(self, disk, name="journal"):
        self.disk = disk
        self.name = name

    @property
    def parent(self):
        return self

    def with_name(self, name):
        return Path(self.disk, name)

    def open(self, mode):
        if self.name not in self.disk.names:
            raise FileNotFoundError(self.name)
        return io.BytesIO(self.disk.names[self.name].data)

    def replace(self, target):
        self.disk.replace(self.name, target.name)

    def __str__(self):
        return self.name


def system_of(disk):
    constants = {name: getattr(os, name) for name in dir(os) if name.startswith("O_")}
    return SimpleNamespace(
        **constants, open=disk.open, write=disk.write, fsync=disk.fsync, fdatasync=disk.fsync,
        close=disk.close,
    )  # fmt: skip


class Shipping(RuleBasedStateMachine):
    """Files grow, are read from the journal's position, stored, acknowledged, and journaled."""

    def __init__(self):
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(journal_module, "_MIN_REWRITE", 400)
        self.sizes = dict.fromkeys(FILES, 0)
        self.generations = dict.fromkeys(FILES, 0)
        self.stored = {}
        """(src, pos) -> times sent."""
        self.acknowledged = dict.fromkeys(FILES, 0)
        self.remembered = dict.fromkeys(FILES, 0)
        """What the journal said is on the disk."""
        self.read = dict.fromkeys(FILES, 0)

    def teardown(self):
        self.patch.undo()

    def begin(self, disk):
        self.disk = disk
        self.patch.setattr(journal_module, "os", system_of(disk))
        self.journal = Journal(Path(disk))
        for name in FILES:
            entry = self.journal.get(name)
            known = entry is not None and entry.identity == self.identity(name)
            self.read[name] = entry.pos if known else 0

    @initialize()
    def start(self):
        self.begin(Disk())

    def identity(self, name):
        generation = self.generations[name]
        return Identity(FILES.index(name) + 10 * generation, 2, 3, 4, generation)

    @rule(name=st.sampled_from(FILES), lines=st.integers(1, 5))
    def grow(self, name, lines):
        self.sizes[name] += lines

    @rule(name=st.sampled_from(FILES))
    def begin_anew(self, name):
        """Somebody cuts a file that is read to its end."""
        if self.read[name] == self.sizes[name] == self.acknowledged[name]:
            self.generations[name] += 1
            for each in (self.sizes, self.read, self.acknowledged, self.remembered):
                each[name] = 0

    @rule(
        names=st.sets(st.sampled_from(FILES), min_size=1), most=st.integers(1, 4),
        until=st.integers(0, 12), trouble=st.sampled_from(["", "", "cut", "full", "broken"]),
        data=st.data(),
    )  # fmt: skip
    def ship(self, names, most, until, trouble, data):
        reached = {}
        for name in sorted(names):
            end = min(self.sizes[name], self.read[name] + most)
            for pos in range(self.read[name] + 1, end + 1):
                key = (self.identity(name).src, pos)
                self.stored[key] = self.stored.get(key, 0) + 1
            if end > self.read[name]:
                reached[name] = self.read[name] = end
                self.acknowledged[name] = max(self.acknowledged[name], end)
        what = {
            "cut": PowerCut(), "full": OSError(errno.ENOSPC, "full"),
            "broken": OSError(errno.EIO, "broken"),
        }.get(trouble)  # fmt: skip
        self.disk.trouble = None if what is None else (until, what)
        entries = [Entry(name, self.identity(name), pos, 7, 8) for name, pos in reached.items()]
        try:
            self.journal.record(entries)
        except PowerCut:
            self.restart(data)
            return
        if self.disk.trouble is None and what is not None:
            return  # It met an error, went on from memory, and promised nothing.
        self.disk.trouble = None
        self.remembered |= reached

    @rule(data=st.data())
    def restart(self, data):
        """The power is cut; perhaps once more while the agent starts."""
        disk = self.disk.cut_power(data.draw)
        disk.trouble = data.draw(st.none() | st.tuples(st.integers(0, 8), st.just(PowerCut())))
        try:
            self.begin(disk)
        except PowerCut:
            self.begin(disk.cut_power(data.draw))
        self.disk.trouble = None

    @rule()
    def stop_and_start(self):
        self.journal.close()
        self.begin(self.disk)

    @precondition(lambda self: hasattr(self, "journal"))
    @invariant()
    def nothing_is_skipped_and_nothing_forgotten(self):
        for name in FILES:
            entry = self.journal.get(name)
            if entry is not None and entry.identity == self.identity(name):
                assert entry.pos <= self.acknowledged[name]
            assert self.read[name] <= self.acknowledged[name]
            assert self.read[name] >= self.remembered[name]
            src = self.identity(name).src
            assert all((src, pos) in self.stored for pos in range(1, self.acknowledged[name] + 1))


class TestShipping(Shipping.TestCase):
    settings = settings(max_examples=examples(60), stateful_step_count=25, deadline=None)


@pytest.mark.slow
class TestShippingThoroughly(Shipping.TestCase):
    settings = settings(max_examples=400, stateful_step_count=40, deadline=None)
