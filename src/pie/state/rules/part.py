"""The rule sets under one prefix of the store, as one instance runs them.

The last rules that could be applied stay in force: while the store is away, when a newer document
is broken or of a newer Pie, and when the store has lost its memory. They are on the disk, too.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from pie.govern import KINDS, Key, Rule, RuleError, RuleSet
from pie.state.rules.document import MAX_DOCUMENT, decode, key_of, read_set
from pie.state.store.interface import Entry, Event, StoreError
from pie.state.store.kept_file import DamagedFile, KeptFile

_log = logging.getLogger("pie.state")
FORMAT = 1
Source = Literal["store", "disk", "none"]


class Running(NamedTuple):
    """What a process runs of one rule set.

    Attributes:
        key: of the set.
        version: in force, 0 = none.
        trouble: why it is not what the store holds; empty when it is.
        source: where the rules came from.
    """

    key: Key
    version: int
    trouble: str
    source: str


class _Kept(msgspec.Struct, frozen=True):
    """The snapshot: the documents in force, as the store had them."""

    format: int
    prefix: str
    documents: dict[str, str]


class RulePart:
    """A listener of one prefix; its methods run in the follower's thread.

    Args:
        prefix: of the store's keys.
        instance: of this process, for roll-outs.
        path: of the snapshot; None keeps none.
        changed: called after other rules came into force.
        settled: called when it is known what the store holds, or that it is away.
        kinds: the rules that this Pie knows.

    Attributes:
        sets: in force; a new mapping after each change.
        source: of what is known.
    """

    def __init__(
        self,
        prefix: str,
        instance: str,
        path: Path | None,
        changed: Callable[[], None],
        settled: Callable[[], None],
        kinds: Mapping[str, type[Rule]] = KINDS,
    ) -> None:
        self._prefix = prefix
        self._instance = instance
        self._file = KeptFile(path) if path is not None else None
        self._changed = changed
        self._settled = settled
        self._kinds = kinds
        self._documents: dict[Key, str] = {}
        """Those in force, as texts: what the snapshot holds."""
        self._troubles: dict[Key, str] = {}
        self.sets: Mapping[Key, RuleSet[Any]] = {}
        self.source: Source = "none"
        self._failing = False
        self._alone = False
        self.restored = self._restore()
        """Why nothing could be restored from the disk; empty if something was."""

    def in_force(self) -> list[Running]:
        """Of each set that the store holds or this process runs."""
        sets, troubles = self.sets, dict(self._troubles)
        return [
            Running(
                key, sets[key].version if key in sets else 0, troubles.get(key, ""), self.source
            )
            for key in sorted({*sets, *troubles, *list(self._documents)})
        ]

    # -- from the store -----------------------------------------------------------------------

    def loaded(self, entries: Sequence[Entry]) -> None:
        self.source = "store"
        found = {key: entry for entry in entries if (key := key_of(entry.key)) is not None}
        if not found and self._documents:
            self._keep_all()
        else:
            for key in {*self._documents, *self._troubles} - found.keys():
                self._drop(key)
            for key, entry in found.items():
                self._take(key, entry.value)
        self._changed()
        self._settled()
        self._save()

    def changed(self, events: Sequence[Event]) -> None:
        for event in events:
            key = key_of(event.key)
            if key is None:
                continue
            if event.kind == "put":
                self._take(key, event.value)
            else:
                self._drop(key)
        self._changed()
        self._save()

    def lost(self, error: StoreError) -> None:
        if self.source == "none" and not self._alone:
            self._alone = True
            _log.info(
                "policies run on their defaults until the platform answers, for no rules under %s "
                "are known: %s (%s)",
                *(self._prefix, self.restored, error),
            )
        self._settled()

    def found(self) -> None:
        self._alone = False

    # -- in these -----------------------------------------------------------------------------

    def _take(self, key: Key, text: str) -> bool:
        """Put a document in force; if it cannot be, the rules that are in force stay."""
        running = self.sets[key].version if key in self.sets else 0
        newer = ""
        try:
            if len(text.encode()) > MAX_DOCUMENT:
                raise ValueError(f"it has more than {MAX_DOCUMENT} bytes")
            document = decode(text)
            newer = f"v{document.version}: "
            if document.key != key:
                raise ValueError(f"it says that it holds {document.key}")
            version, written = document.for_instance(self._instance)
            rules = read_set(key, version, written, self._kinds) if version else None
        except (RuleError, ValueError) as error:
            self._doubt(key, f"{newer}{error}", running)
            return False
        self._troubles.pop(key, None)
        self._documents[key] = text
        sets = {each: found for each, found in self.sets.items() if each != key}
        if rules is not None:
            sets[key] = rules
        self.sets = sets
        if version != running:
            _log.info(
                "rules in force: %s v%d (%s) of %s, published by %s%s",
                *(key.kind, version, key.side, key.psm, document.author or "nobody"),
                f": {document.comment}" if document.comment else "",
            )
        return True

    def _doubt(self, key: Key, why: str, running: int) -> None:
        if self._troubles.get(key) != why:
            stay = f"v{running} stays in force" if running else "there are no rules in its place"
            _log.error(
                "rules %s (%s) of %s cannot be applied: %s; %s", *key[::2], key.psm, why, stay
            )
        self._troubles[key] = why

    def _drop(self, key: Key) -> None:
        self._documents.pop(key, None)
        self._troubles.pop(key, None)
        self.sets = {each: rules for each, rules in self.sets.items() if each != key}

    def _keep_all(self) -> None:
        """Rules are never deleted, but replaced by none: a store without any has lost them."""
        _log.warning("the store holds no rules under %s; the last ones stay", self._prefix)
        for key in self._documents:
            self._troubles[key] = "the store holds no such rules any more; the last ones stay"

    # -- on the disk --------------------------------------------------------------------------

    def _restore(self) -> str:
        if self._file is None:
            return "this process keeps none on the disk"
        try:
            body = self._file.read()
            if body is None:
                return f"{self._file.path} does not exist yet"
            kept = msgspec.json.decode(body, type=_Kept)
            if (kept.format, kept.prefix) != (FORMAT, self._prefix):
                raise DamagedFile(f"it is format {kept.format} of {kept.prefix}")
        except (OSError, ValueError, DamagedFile) as error:
            _log.warning("ignored the snapshot of rules %s: %s", self._file.path, error)
            return f"the snapshot {self._file.path} cannot be used ({error})"
        self.source = "disk"
        for name, text in kept.documents.items():
            key = key_of(name)
            if key is not None:
                self._take(key, text)
        return ""

    def _save(self) -> None:
        """After the rules are in force: a full disk delays none."""
        if self._file is None:
            return
        documents = {
            f"/pie/services/{key.psm}/rules/{key.side}/{key.kind}": text
            for key, text in sorted(self._documents.items())
        }
        try:
            self._file.write(msgspec.json.encode(_Kept(FORMAT, self._prefix, documents)))
        except OSError as error:
            if not self._failing:
                self._failing = True
                _log.warning("rules could not be kept in %s: %s", self._file.path, error)
        else:
            self._failing = False
