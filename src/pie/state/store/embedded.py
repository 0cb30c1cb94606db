"""The embedded backend: the in-memory engine and one SQLite file."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, NoReturn

from pie.model import SYSTEM_CLOCK, SYSTEM_RANDOM, Clock, Random
from pie.state.store.history import MAX_EVENTS
from pie.state.store.interface import Entry, StoreAway
from pie.state.store.memory import Change, MemoryStore, new_history

FORMAT = 1
_APPLICATION_ID = 0x50494553  # "PIES": shown by `file`, and distinguishes it from other databases
_LOCK_WAIT_S = 2.0
MOST_FREE_PAGES = 4096
"""Of 4 KiB, which a file may keep for later."""
_SCHEMA = """
CREATE TABLE history (revision INTEGER NOT NULL);
CREATE TABLE leases (id INTEGER PRIMARY KEY, ttl REAL NOT NULL);
CREATE TABLE entries (
    key TEXT PRIMARY KEY, value TEXT NOT NULL, create_revision INTEGER NOT NULL,
    mod_revision INTEGER NOT NULL, lease INTEGER NOT NULL
) WITHOUT ROWID;
"""


class StateFileError(Exception):
    """The state file cannot be opened; the message gives the reason and what to do."""


class DamagedFileError(StateFileError):
    """What the file holds makes no sense; ``detail`` says how that was seen."""

    def __init__(self, message: str, detail: str) -> None:
        super().__init__(message)
        self.detail = detail


class EmbeddedStore(MemoryStore):
    """A store that survives its process, for one process at a time.

    A change is acknowledged, and seen, after it is on the disk. The file holds entries, leases and
    the revision; not the history: after a restart a watch goes on from the last revision, and one
    that is further behind gets `Compacted`. Every lease has a full TTL after a restart.

    Args:
        path: the file, made with mode 0600 if it is not there; its directory must exist.

    Raises:
        StateFileError: the file is damaged, newer than this Pie, foreign, or in use.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock = SYSTEM_CLOCK,
        random: Random = SYSTEM_RANDOM,
        max_events: int = MAX_EVENTS,
    ) -> None:
        self._file = _StateFile(path, new_history(clock))
        super().__init__(
            clock=clock, random=random, journal=self._file.commit, max_events=max_events
        )
        kept = self._file.load()
        self._restore(kept.revision, kept.entries, kept.leases)

    def close(self) -> None:
        super().close()
        with self._write:
            self._file.close()


class _Kept(NamedTuple):
    revision: int
    entries: list[Entry]
    leases: list[tuple[int, float]]


def make_file(
    path: Path, contents: tuple[int, list[Entry], list[tuple[int, float]]], clock: Clock
) -> None:
    """Make a state file that holds this; it is on the disk, in one file, when this returns.

    Raises:
        StateFileError: it cannot be made.
    """
    revision, entries, leases = contents
    file = _StateFile(path, new_history(clock))
    try:
        file.commit(Change(revision, puts=entries, granted=leases))
    except StoreAway as error:
        raise StateFileError(error.message) from error
    finally:
        file.close()


class _StateFile:
    """The SQLite side: load once, then append changes. Its owner serialises the calls."""

    def __init__(self, path: Path, first_revision: int) -> None:
        self._path = path
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise StateFileError(
                f"the state file {path} cannot be opened: {error.strerror}; its directory must "
                "exist and be writable"
            ) from error
        self._db = sqlite3.connect(
            path, timeout=_LOCK_WAIT_S, isolation_level=None, check_same_thread=False
        )
        try:
            with self._explained():
                self._prepare(first_revision)
        except BaseException:
            self._db.close()
            raise

    def _prepare(self, first_revision: int) -> None:
        db = self._db
        # Exclusive: a second process on the same file is refused instead of diverging from us.
        db.execute("PRAGMA locking_mode=EXCLUSIVE")
        db.execute("PRAGMA journal_mode=WAL")
        # FULL, not NORMAL: with NORMAL a power cut takes back acknowledged changes, and then the
        # revision would run over the same numbers twice. One fsync a change is affordable here:
        # desired state changes rarely, keep-alives are never written.
        db.execute("PRAGMA synchronous=FULL")
        db.execute("BEGIN IMMEDIATE")
        (application,) = db.execute("PRAGMA application_id").fetchone()
        (version,) = db.execute("PRAGMA user_version").fetchone()
        (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables == 0 and application == 0:
            for statement in _SCHEMA.strip().rstrip(";").split(";"):
                db.execute(statement)
            db.execute("INSERT INTO history VALUES (?)", (first_revision,))
            db.execute(f"PRAGMA application_id={_APPLICATION_ID}")
            db.execute(f"PRAGMA user_version={FORMAT}")
        elif application != _APPLICATION_ID:
            self._refuse("is a database of another program: choose another path")
        elif version != FORMAT:
            self._refuse(
                f"has format {version}, this Pie reads {FORMAT}: run the Pie that wrote it"
            )
        db.execute("COMMIT")
        (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            self._refuse_damaged(verdict)
        self._shrink()

    def _shrink(self) -> None:
        """Give back the room of what was deleted, when that is most of the file."""
        db = self._db
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        (free,) = db.execute("PRAGMA freelist_count").fetchone()
        if free > MOST_FREE_PAGES and free > pages // 2:
            # It needs room for a second copy; without that the file stays as it is.
            with suppress(sqlite3.OperationalError):
                db.execute("VACUUM")
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def load(self) -> _Kept:
        """Everything the file holds."""
        with self._explained():
            row = self._db.execute("SELECT revision FROM history").fetchone()
            if row is None:
                self._refuse_damaged("its revision is missing")
            entries = self._db.execute(
                "SELECT key, value, create_revision, mod_revision, lease FROM entries"
            )
            leases = self._db.execute("SELECT id, ttl FROM leases")
            return _Kept(row[0], [Entry(*columns) for columns in entries], leases.fetchall())

    def commit(self, change: Change) -> None:
        """Make a change durable.

        Raises:
            StoreAway: it could not be written; the file is as it was.
        """
        db = self._db
        try:
            db.execute("BEGIN IMMEDIATE")
            db.executemany(
                "INSERT INTO leases VALUES (?, ?)",
                change.granted,
            )
            db.executemany(
                "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?)",
                [(e.key, e.value, e.create_revision, e.mod_revision, e.lease) for e in change.puts],
            )
            db.executemany("DELETE FROM entries WHERE key = ?", [(k,) for k in change.deletes])
            db.executemany("DELETE FROM leases WHERE id = ?", [(n,) for n in change.ended])
            db.execute("UPDATE history SET revision = ?", (change.revision,))
            db.execute("COMMIT")
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise StoreAway(
                f"the state file {self._path} could not be written: {error}; free space on its "
                "disk or repair it, then try again"
            ) from error

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code == sqlite3.SQLITE_BUSY:
                self._refuse("is in use by another process: one platform per directory; stop it")
            # An unknown table or column is an ordinary error to SQLite. Others tell of the disk,
            # and not of what is on it.
            if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR):
                self._refuse_damaged(str(error))
            self._refuse(f"cannot be used ({error}): make room on its disk, or repair it")

    def _refuse_damaged(self, detail: str) -> NoReturn:
        detail = " ".join(detail.split())
        raise DamagedFileError(
            f"the state file {self._path} is damaged ({detail}): restore it from a backup, or move "
            "it away to start empty (services register again by themselves; rules and settings "
            "would be lost)",
            detail,
        )

    def _refuse(self, why: str) -> NoReturn:
        raise StateFileError(f"the state file {self._path} {why}")
