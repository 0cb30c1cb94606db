"""A process follows its configuration: over its one stream, with the last good one on disk."""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from pie.model import after_fork
from pie.state.config.document import (
    ConfigDocument,
    ConfigError,
    Who,
    config_key,
    read_document,
    values_of,
)
from pie.state.config.live import LIVE, LiveConfig
from pie.state.config.shape import Shape
from pie.state.store.follow import Follower
from pie.state.store.interface import Entry, Event, StoreAway, StoreError

_log = logging.getLogger("pie.config")
FIRST_WAIT_S = 1.0
MAX_BYTES = 1 << 20
_FORMAT = 1


class _Kept(msgspec.Struct, frozen=True):
    """The file: the newest document that fitted, and what the code expected."""

    format: int
    document: ConfigDocument
    expected: dict[str, Shape]


class StoreConfig:
    """Keeps the configuration of this process in force.

    Follows from the first read on, or when the follower is started; so does a forked child, anew.
    The newest document that fitted stays on disk for a start without the store.

    Args:
        follower: of this process.
        who: this process.
        snapshots: folder of the file; None keeps none.
        live: gets the values.
        first_wait: seconds that a first read waits at most for the store.

    Attributes:
        changed_in_force: called when ``version`` or ``trouble`` may be others.
    """

    def __init__(
        self,
        follower: Follower,
        who: Who,
        snapshots: Path | None,
        *,
        live: LiveConfig = LIVE,
        first_wait: float = FIRST_WAIT_S,
    ) -> None:
        self._follower = follower
        self._who = who
        self._file = None if snapshots is None else snapshots / f"{who.psm}.config.json"
        self._live = live
        self._first_wait = first_wait
        self._key = config_key(who.psm)
        self._trouble = ""
        self._document: ConfigDocument | None = None
        self._saved: _Kept | None = None
        self._failing = False
        self.changed_in_force: Callable[[], None] = _nothing
        self._begin()
        after_fork(self._begin)
        self._take_snapshot()
        follower.follow(self._key, self, lasting=True)
        live.bind(self.load, self._tell)

    def _begin(self) -> None:
        self._ready = threading.Event()

    @property
    def trouble(self) -> str:
        """Why the newest version is not in force; empty when it is."""
        return self._trouble or "; ".join(f"{k}: {why}" for k, why in self._live.trouble.items())

    @property
    def version(self) -> int:
        """Of the document in force; 0 = none."""
        return self._live.version

    def load(self) -> None:
        """Before a first read: follow, and wait for what the store holds."""
        if not self._ready.is_set():
            try:
                self._follower.start()
            except RuntimeError as error:  # Stopped, or no thread: what is known stays.
                self.lost(StoreAway(str(error)))
            self._ready.wait(self._first_wait)
            self._ready.set()

    def keep(self) -> None:
        """Write down what the code has said of its types since the last version."""
        if self._document is not None:
            self._save(self._document)

    def close(self) -> None:
        """Follow no more; what is in force is forgotten."""
        self.keep()
        self._follower.forget(self._key)
        self._live.bind(None)

    # -- what the follower finds --------------------------------------------------------------

    def loaded(self, entries: Sequence[Entry]) -> None:
        found = [entry.value for entry in entries if entry.key == self._key]
        self._take(found[0] if found else None)
        self._ready.set()

    def changed(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.key == self._key:
                self._take(event.value if event.kind == "put" else None)

    def lost(self, error: StoreError) -> None:
        self._ready.set()

    def found(self) -> None:
        self._ready.set()

    # -- in these -----------------------------------------------------------------------------

    def _take(self, text: str | None) -> None:
        if text is None:
            # A configuration is never deleted: the store lost its memory, or a hand did it.
            if self._live.version:
                self._trouble = f"the store holds no configuration, v{self._live.version} stays"
                _log.warning("%s: publish it anew if it is gone for good", self._trouble)
                self._tell()
            return
        try:
            document = read_document(text)
        except ConfigError as error:
            self._trouble = f"{self._key}: {error}"
            _log.error(
                "%s; v%d stays in force: publish it anew with this Pie",
                *(self._trouble, self._live.version),
            )
            self._tell()
            return
        self._trouble = ""
        if self._live.offer(document.version, values_of(document, self._who)):
            self._document = document
            self._save(document)
        self._tell()

    def _tell(self) -> None:
        self.changed_in_force()

    def _take_snapshot(self) -> None:
        kept = self._read()
        if kept is not None:
            self._document = kept.document
            self._live.expect(kept.expected)
            self._live.offer(kept.document.version, values_of(kept.document, self._who))

    def _read(self) -> _Kept | None:
        if self._file is None:
            return None
        try:
            with self._file.open("rb") as stream:
                kept = msgspec.json.decode(stream.read(MAX_BYTES), type=_Kept)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            _log.warning("ignored the unreadable configuration snapshot %s: %s", self._file, error)
            return None
        if kept.format != _FORMAT or kept.document.psm != self._who.psm:
            _log.warning("ignored the configuration snapshot %s: it is another's", self._file)
            return None
        return kept

    def _save(self, document: ConfigDocument) -> None:
        """Replace the file, whole or not at all; only its owner may read it: it holds secrets."""
        kept = _Kept(_FORMAT, document, self._live.description())
        if self._file is None or kept == self._saved:
            return
        draft = self._file.with_suffix(f".{os.getpid()}.tmp")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                draft.unlink()
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(msgspec.json.encode(kept))
            draft.replace(self._file)
        except OSError as error:
            with suppress(OSError):
                draft.unlink()
            if not self._failing:
                self._failing = True
                _log.warning(
                    "the configuration snapshot %s could not be saved: %s", self._file, error
                )
        else:
            self._failing = False
            self._saved = kept


def _nothing() -> None:
    pass
