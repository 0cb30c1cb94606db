"""The last known instances of each service on disk, for a start without the store."""

import logging
import os
from contextlib import suppress
from pathlib import Path

import msgspec

from pie.model import PSM
from pie.state.registry.instances import Instance

_log = logging.getLogger("pie.state")
FORMAT = 1
MAX_BYTES = 64 << 20


class Snapshot(msgspec.Struct, frozen=True):
    """The instances of one service as they stood at ``saved`` (Unix seconds)."""

    format: int
    psm: str
    saved: float
    instances: tuple[Instance, ...]


class SnapshotDir:
    """One file per service. An error is logged once and never raised, because discovery works
    without snapshots. Several processes may share the directory."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._failing = False

    def load(self, psm: str) -> Snapshot | None:
        """The snapshot; None if there is none, or if it cannot be read, which is logged."""
        if self._path is None:
            return None
        file = self._file(self._path, psm)
        try:
            with file.open("rb") as stream:
                snapshot = msgspec.json.decode(stream.read(MAX_BYTES), type=Snapshot)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            _log.warning("ignored the unreadable discovery snapshot %s: %s", file, error)
            return None
        if snapshot.format != FORMAT or snapshot.psm != psm:
            _log.warning(
                "ignored the discovery snapshot %s: it is format %d of %s, not format %d of %s",
                *(file, snapshot.format, snapshot.psm, FORMAT, psm),
            )
            return None
        return snapshot

    def save(self, psm: str, instances: tuple[Instance, ...], now: float) -> None:
        """Replace the snapshot, whole or not at all. Not synced: after a power cut the store
        knows better than an old file anyway."""
        if self._path is None:
            return
        file = self._file(self._path, psm)
        draft = file.with_suffix(f".{os.getpid()}.tmp")
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(msgspec.json.encode(Snapshot(FORMAT, psm, now, instances)))
            draft.replace(file)
        except OSError as error:
            with suppress(OSError):
                draft.unlink()
            if not self._failing:
                self._failing = True
                _log.warning("the discovery snapshot %s could not be saved: %s", file, error)
        else:
            self._failing = False

    @staticmethod
    def _file(directory: Path, psm: str) -> Path:
        # Parsing keeps a hostile name from leaving the directory.
        return directory / f"{PSM.parse(psm)}.json"
