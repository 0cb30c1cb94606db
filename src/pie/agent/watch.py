"""Finds files and their growth by polling, at a cost that old files do not raise.

A folder is listed again only when its own time changed; live files are asked every ``poll_s``,
those of past hours every ``cold_poll_s``.
"""

import contextlib
import os
import stat
import threading
from collections.abc import Callable, Iterator
from datetime import tzinfo
from pathlib import Path
from typing import NamedTuple

from pie.agent.journal import Journal
from pie.agent.names import FOLDERS, former_name, parse_name
from pie.agent.options import AgentOptions
from pie.agent.status import Tally, WarningLog
from pie.agent.tail import TailFile

_RELIST_S = 60.0
_CLOCK_GRAIN_S = 2.0
"""A folder changed this short before it was listed may have changed once more unseen."""
_HOT_AFTER_HOUR_S = 120.0
_HOT_AFTER_GROWTH_S = 60.0
_HOT_WITHOUT_HOUR_S = 3600.0


class _Listing(NamedTuple):
    """What a folder looked like when it was listed, and when that was."""

    inode: int
    mtime_ns: int
    at: float


class Watch:
    """``scan`` and ``poll`` belong to one thread; ``files`` may be asked from any."""

    def __init__(
        self,
        root: Path,
        zone: tzinfo,
        host_id: str,
        options: AgentOptions,
        journal: Journal,
        tally: Tally,
        warnings: WarningLog,
        offer: Callable[[TailFile], None],
    ) -> None:
        self._root = root
        self._zone = zone
        self._host_id = host_id
        self._options = options
        self._journal = journal
        self._tally = tally
        self._warnings = warnings
        self._offer = offer
        self._files: dict[str, dict[str, TailFile]] = {}
        self._lock = threading.Lock()
        self._hot: list[TailFile] = []
        self._listed: dict[str, _Listing] = {}
        self._cold_polled_at = 0.0

    def files(self) -> list[TailFile]:
        """All files, at this moment."""
        with self._lock:
            return [file for known in self._files.values() for file in known.values()]

    def folders(self) -> Iterator[str]:
        """Every ``<product>/log/<folder>`` that exists, relative to the root. Raises OSError.

        A product may be a link to another disk; one that is a link to its neighbour is left out.
        """
        with os.scandir(self._root) as entries:
            products = sorted((entry.is_symlink(), entry.name) for entry in entries)
        met = set()
        for _, name in products:
            if name.startswith(".") or not _is_text(name):
                continue
            try:
                status = (self._root / name / "log").stat()
            except OSError:
                continue
            if (status.st_dev, status.st_ino) in met or not stat.S_ISDIR(status.st_mode):
                continue
            met.add((status.st_dev, status.st_ino))
            for folder in FOLDERS:
                if (self._root / name / "log" / folder).is_dir():
                    yield f"{name}/log/{folder}"

    def scan(self, now: float) -> None:
        """Find new files and miss gone ones. Raises OSError when the root cannot be read."""
        for folder in self.folders():
            try:
                self._list(folder, now)
            except OSError as error:
                self._warnings.warn("list", f"cannot list {folder}: {error}; trying again")
        self._hot = [file for file in self.files() if _is_hot(file, now)]

    def poll(self, now: float) -> None:
        """Offer every file that changed to its stream."""
        if now - self._cold_polled_at >= self._options.cold_poll_s or now < self._cold_polled_at:
            self._cold_polled_at = now
            files = self.files()
        else:
            files = self._hot
        for file in files:
            self._look(file, now)

    def delete(self, file: TailFile) -> None:
        """Delete the file for the keeper; a later one of the same name is another file.

        Raises OSError.
        """
        with self._lock:
            file.abandoned = True
            try:
                file.full.unlink()
            except OSError:
                file.abandoned = False
                raise
            self._forget(file)

    def _list(self, folder: str, now: float) -> None:
        directory = self._root / folder
        status = directory.stat()
        last = self._listed.get(folder)
        if (
            last is not None
            and (last.inode, last.mtime_ns) == (status.st_ino, status.st_mtime_ns)
            and last.at - status.st_mtime > _CLOCK_GRAIN_S
            and 0 <= now - last.at < _RELIST_S
        ):
            return
        with self._lock:
            known = self._files.setdefault(folder, {})
        present = set()
        with os.scandir(directory) as entries:
            for entry in entries:
                present.add(entry.name)
                if entry.name not in known and entry.is_file(follow_symlinks=False):
                    self._add(folder, entry.name, now)
        for name in known.keys() - present:
            self._drop(known[name], now)
        self._listed[folder] = _Listing(status.st_ino, status.st_mtime_ns, now)

    def _add(self, folder: str, name: str, now: float) -> None:
        if not _is_text(name):
            return
        path = f"{folder}/{name}"
        # A renamed file is known to the journal only when its rest was being read.
        known = former_name(name) if self._journal.get(path) is not None else ""
        kind = parse_name(folder.rpartition("/")[2], known or name, self._zone)
        if kind is None:
            return
        file = TailFile(self._root, path, kind, self._host_id, self._journal.get(path))
        with contextlib.suppress(OSError):  # Before the file counts: it must not look settled.
            status = file.look()
            file.seen = (status.st_ino, status.st_size)
        with self._lock:
            self._files[folder][name] = file
        self._look(file, now, first=True)

    def _look(self, file: TailFile, now: float, *, first: bool = False) -> None:
        try:
            status = file.look()
        except FileNotFoundError:
            self._drop(file, now)
            return
        except OSError as error:
            self._warnings.warn("look", f"cannot look at {file.path}: {error}; trying again")
            return
        if not stat.S_ISREG(status.st_mode):
            self._drop(file, now)
            return
        seen = (status.st_ino, status.st_size)
        if not first and file.seen[0] not in (0, status.st_ino):
            self._follow(file, now)
        generation = file.generation
        if status.st_ino == file.inode and status.st_size < file.acked:
            file.shrunk = generation  # It may have grown again before it is read.
        if first:
            file.grown_at = file.level_at = min(now, status.st_mtime)
            file.seen = seen
            if status.st_size and not file.is_settled(*seen):
                self._offer(file)
        elif seen != file.seen:
            file.grown_at = now
            if not file.unsent:
                file.level_at = now
            file.seen = seen
            file.asked_final = False
            self._offer(file)
        elif file.unread:
            file.unread = False
            self._offer(file)
        if not file.asked_final and file.is_final(now, status.st_mtime):
            file.asked_final = True
            if file.unsent:
                self._offer(file)

    def _follow(self, file: TailFile, now: float) -> bool:
        """Read the rest of a file that was renamed in its folder, as logrotate does.

        Returns whether it was: its writers go on with it until they notice.
        """
        folder, _, name = file.path.rpartition("/")
        inode = file.seen[0]
        if file.identity is not None and file.inode != inode:
            return False
        try:
            with os.scandir(self._root / folder) as entries:
                new = next(
                    (e.name for e in entries if e.inode() == inode and former_name(e.name)), name
                )
        except OSError:
            return False
        if new == name or new in self._files[folder]:
            return False
        renamed = file.renamed(self._root, f"{folder}/{new}")
        if renamed.identity is not None:
            self._journal.record([renamed.entry()])
        with self._lock:
            self._files[folder][new] = renamed
        self._look(renamed, now, first=True)
        return True

    def _drop(self, file: TailFile, now: float) -> None:
        goes_on = self._follow(file, now)
        with self._lock:
            if file.abandoned:
                return
            file.abandoned = True
            self._forget(file)
        lost = file.size - file.pos
        if lost > 0 and not goes_on:
            self._warnings.warn(
                "vanished",
                f"{file.path} was deleted with {lost} bytes unsent: they are lost. Leave the "
                "deleting of log files to the agent (settings: keep, quota)",
            )
            self._tally.add(vanished_bytes=lost)

    def _forget(self, file: TailFile) -> None:
        folder, _, name = file.path.rpartition("/")
        del self._files[folder][name]
        self._journal.forget(file.path)


def _is_text(name: str) -> bool:
    """Names that are no text cannot be journaled."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_hot(file: TailFile, now: float) -> bool:
    hour = file.file.hour
    quiet = now - file.grown_at
    if hour is None:
        return quiet < _HOT_WITHOUT_HOUR_S
    return now < hour.end + _HOT_AFTER_HOUR_S or quiet < _HOT_AFTER_GROWTH_S
