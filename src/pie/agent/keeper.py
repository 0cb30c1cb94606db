"""Compresses and deletes old files: acknowledged ones, that no process writes any more.

They make room on a disk that is nearly full, so that services can go on writing. Only when they do
not make room for the quota, unsent lines are deleted, oldest first.
"""

import gzip
import logging
import os
from collections.abc import Callable
from datetime import tzinfo
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

from pie.agent.journal import sync_directory
from pie.agent.lease import settled_file
from pie.agent.names import compressed_hour, former_name
from pie.agent.options import MIB, AgentOptions
from pie.agent.status import Tally
from pie.agent.tail import TailFile
from pie.agent.watch import Watch

_log = logging.getLogger("pie.agent")
_TEMPORARY = ".pie-agent.tmp"
_TEMPORARY_KEEP_S = 3600.0


class _Old(NamedTuple):
    """A file of a past hour; ``tail`` is None for a compressed one."""

    hour_start: float
    path: Path
    size: int
    disk: int
    tail: TailFile | None


class Keeper:
    """``tidy`` belongs to one thread; ``stopping`` ends it early."""

    def __init__(
        self,
        root: Path,
        zone: tzinfo,
        options: AgentOptions,
        watch: Watch,
        tally: Tally,
        stopping: Callable[[], bool],
    ) -> None:
        self._root = root
        self._zone = zone
        self._options = options
        self._watch = watch
        self._tally = tally
        self._stopping = stopping

    def tidy(self, now: float) -> None:
        """One round. Raises OSError when the root cannot be read."""
        for file in self._watch.files():
            if self._stopping():
                return
            if former_name(file.full.name):
                continue  # Whoever renamed it looks after it.
            hour = file.file.hour
            old = hour is not None and now - hour.end > self._options.compress_after_s
            if old and not file.unsent:
                _attempt(file.full, partial(self._compress, file, now))
        self._delete_expired(now)
        self._make_room(now)
        if self._options.quota_bytes:
            self._keep_quota(now)

    def _compress(self, file: TailFile, now: float) -> None:
        with settled_file(file, now) as settled:
            if settled is None:
                return
            if file.acked:
                new = file.full.with_name(f".{file.full.name}{_TEMPORARY}")
                try:
                    if not self._write_compressed(settled.source, new) or not settled.still():
                        return
                    new.rename(_free_name(file.full))
                finally:
                    new.unlink(missing_ok=True)
                sync_directory(file.full.parent)
                self._tally.add(compressed_files=1)
            self._watch.delete(file)

    def _write_compressed(self, source: IO[bytes], new: Path) -> bool:
        """False when the agent stops before it is done."""
        status = os.fstat(source.fileno())
        with new.open("wb") as raw:
            with gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6) as packed:
                while data := source.read(MIB):
                    if self._stopping():
                        return False
                    packed.write(data)
            raw.flush()
            os.fchmod(raw.fileno(), status.st_mode & 0o777)
            os.fsync(raw.fileno())
        os.utime(new, ns=(status.st_atime_ns, status.st_mtime_ns))
        return True

    def _delete_expired(self, now: float) -> None:
        for path, status in self._on_disk():
            hour = compressed_hour(path.name, self._zone)
            if path.name.endswith(_TEMPORARY) and now - status.st_mtime > _TEMPORARY_KEEP_S:
                _attempt(path, path.unlink)
            elif hour is not None and now - hour.end > self._options.keep_s:
                _attempt(path, partial(self._delete_compressed, path))

    def _make_room(self, now: float) -> None:
        """Delete what is acknowledged, oldest first, where a disk is nearly full."""
        missing: dict[int, int] = {}
        for folder in self._watch.folders():
            found = os.statvfs(self._root / folder)
            lack = self._options.free_bytes - found.f_bavail * found.f_frsize
            if lack > 0:
                missing[(self._root / folder).stat().st_dev] = lack
        if not missing:
            return
        for old in self._old_files(now)[0]:
            if missing.get(old.disk, 0) > 0:
                missing[old.disk] -= self._freed(old, now)

    def _keep_quota(self, now: float) -> None:
        """Delete what is acknowledged, then what is not, each oldest first; never this hour's."""
        used = sum(status.st_size for _, status in self._on_disk())
        sent, unsent = self._old_files(now)
        for old in [*sent, *unsent]:
            if used <= self._options.quota_bytes:
                return
            used -= self._freed(old, now)

    def _old_files(self, now: float) -> tuple[list[_Old], list[_Old]]:
        """Those acknowledged and those not, each oldest first."""
        tails = {file.full: file for file in self._watch.files()}
        sent: list[_Old] = []
        unsent: list[_Old] = []
        for path, status in self._on_disk():
            tail = tails.get(path)
            hour = tail.file.hour if tail else compressed_hour(path.name, self._zone)
            if hour is not None and hour.end < now:
                settled = tail is None or tail.is_settled(status.st_ino, status.st_size)
                old = _Old(hour.start, path, status.st_size, status.st_dev, tail)
                (sent if settled else unsent).append(old)
        return sorted(sent), sorted(unsent)

    def _freed(self, old: _Old, now: float) -> int:
        """Delete a file; its bytes, 0 if it stays."""
        _attempt(old.path, partial(self._delete_for_space, old, now))
        return 0 if old.path.exists() else old.size

    def _delete_for_space(self, old: _Old, now: float) -> None:
        if old.tail is None:
            old.path.unlink()
        elif old.tail.unsent:
            self._lose(old.tail)
        else:
            with settled_file(old.tail, now) as settled:
                if settled is None:
                    return
                self._watch.delete(old.tail)
        self._tally.add(deleted_files=1)

    def _delete_compressed(self, path: Path) -> None:
        path.unlink()
        self._tally.add(deleted_files=1)

    def _lose(self, file: TailFile) -> None:
        lines = size = 0
        with file.full.open("rb") as source:
            source.seek(file.acked)
            while data := source.read(MIB):
                lines += data.count(b"\n")
                size += len(data)
        self._watch.delete(file)
        self._tally.add(quota_lost_files=1, quota_lost_lines=lines, quota_lost_bytes=size)
        _log.error(
            "the log folders exceed their quota of %d bytes and nothing acknowledged is left to "
            "delete: %s is deleted with %d lines (%d bytes) unsent. Raise the quota or bring the "
            "platform back",
            self._options.quota_bytes,
            file.path,
            lines,
            size,
        )

    def _on_disk(self) -> list[tuple[Path, os.stat_result]]:
        found = []
        for folder in self._watch.folders():
            for path in (self._root / folder).iterdir():
                try:
                    if path.is_file() and not path.is_symlink():
                        found.append((path, path.stat()))
                except FileNotFoundError:
                    continue
        return found


def _attempt(path: Path, act: Callable[[], None]) -> None:
    try:
        act()
    except FileNotFoundError:
        return
    except OSError as error:
        _log.warning("cannot compress or delete %s: %s; trying again later", path, error)


def _free_name(path: Path) -> Path:
    """``<path>.gz``; a late file of the same name and hour does not replace the first."""
    name = path.with_name(path.name + ".gz")
    number = 2
    while name.exists():
        name = path.with_name(f"{path.name}-{number}.gz")
        number += 1
    return name
