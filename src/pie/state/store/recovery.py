"""Opens the state file, and restores it from its snapshot when it lost what it held."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from pie.model import SYSTEM_CLOCK, Clock
from pie.state.store.embedded import DamagedFileError, EmbeddedStore, StateFileError, make_file
from pie.state.store.memory import new_history
from pie.state.store.snapshot import (
    Contents,
    DamagedSnapshotError,
    Snapshot,
    read_snapshot,
    sync_directory,
)

_MOST_ASIDE = 3
_LEAP = 1_000_000
"""Revisions that changes after the snapshot may have had: none of them is given again."""


def snapshot_path(path: Path) -> Path:
    """Where the snapshot of a state file is."""
    return path.with_suffix(".snapshot")


def open_store(
    path: Path, say: Callable[[str], None], *, clock: Clock = SYSTEM_CLOCK
) -> EmbeddedStore:
    """Open the store of a file; restore it when it is missing, empty, damaged, or behind its
    snapshot. The former file is kept aside, and ``say`` gets a sentence about what happened.

    Raises:
        StateFileError: the file cannot be used, and no snapshot can take its place.
    """
    snapshot, doubt = _snapshot_of(path)
    gone = not path.exists() or not path.stat().st_size
    if gone and snapshot is not None:
        return _restore(path, snapshot, "is empty" if path.exists() else "is missing", say, clock)
    if gone and (path.exists() or doubt):
        say(
            f"the state file {path} was empty{doubt}: the registry begins empty. Services register "
            "again by themselves within seconds; restore rules and settings from a backup of "
            "the file, or publish them again"
        )
    try:
        store = EmbeddedStore(path, clock=clock)
    except DamagedFileError as error:
        if snapshot is None:
            raise StateFileError(f"{error}{doubt}") from None
        return _restore(path, snapshot, f"is damaged ({error.detail})", say, clock)
    if snapshot is not None and snapshot.revision > store.revision:
        store.close()
        return _restore(path, snapshot, "lost its latest changes", say, clock)
    return store


def _snapshot_of(path: Path) -> tuple[Snapshot | None, str]:
    """The snapshot; and if there should be one, why it cannot be used."""
    copy = snapshot_path(path)
    try:
        return read_snapshot(copy), ""
    except DamagedSnapshotError as error:
        return None, f", and its snapshot {copy} is damaged ({error})"
    except OSError as error:
        return None, f", and its snapshot {copy} cannot be read ({error.strerror})"


def _restore(
    path: Path, snapshot: Snapshot, what: str, say: Callable[[str], None], clock: Clock
) -> EmbeddedStore:
    aside = _set_aside(path)
    revision = max(snapshot.revision + _LEAP, new_history(clock))
    draft = path.with_name(f".{path.name}.restored")
    for left in _files_of(draft):
        left.unlink(missing_ok=True)
    make_file(draft, Contents(revision, snapshot.entries, snapshot.leases), clock)
    draft.replace(path)
    sync_directory(path.parent)
    saved = datetime.fromtimestamp(snapshot.saved, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    kept = f" What it was is kept as {aside}." if aside is not None else ""
    say(
        f"the state file {path} {what}: restored {len(snapshot.entries)} entries from the snapshot "
        f"of {saved}. Later changes of rules and settings are lost, publish them again; services "
        f"register again by themselves.{kept}"
    )
    return EmbeddedStore(path, clock=clock)


def _set_aside(path: Path) -> Path | None:
    """Rename the file and what belongs to it; the newest three such are kept."""
    aside: Path | None = None
    stamp = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.getpid()}"
    for file in _files_of(path):
        if file.exists():
            renamed = file.with_name(f"{path.name}.damaged-{stamp}{file.name[len(path.name) :]}")
            file.rename(renamed)
            aside = aside or renamed
    former = sorted(path.parent.glob(f"{path.name}.damaged-*[0-9]"))
    for old in former[:-_MOST_ASIDE]:
        for file in _files_of(old):
            file.unlink(missing_ok=True)
    return aside


def _files_of(path: Path) -> list[Path]:
    return [path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")]
