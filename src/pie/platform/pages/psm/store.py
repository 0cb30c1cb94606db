"""Where declarations are kept: desired state, one key for the declaration and one for its history.

The declaration's value holds its newest change. A commit that replaces it puts that change into the
history, and the event of the new one into the outbox.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import msgspec

from pie.model import Failure, Kind
from pie.platform.ask.ownership import DECLARED_PREFIX
from pie.platform.pages.psm.declared import NOTHING, changed_fields
from pie.platform.pages.psm.views import Action, Declaration, PsmChange
from pie.state import Conflict, Entry, LimitExceeded, Store, Write
from pie.state.events import ChangeEvent, new_event_id, outbox

MAX_DECLARED = 20_000
MAX_CHANGES = 100
MAX_HISTORY = 256 << 10
"""Characters of one history."""

_HISTORY = "/pie/psm-history/"
_NAME_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789_."


class Declared(msgspec.Struct, frozen=True):
    """A declaration as it stands; ``version`` counts its changes."""

    version: int
    fields: Declaration
    last: PsmChange


class History(msgspec.Struct):
    """Changes before the newest one, the oldest first; ``dropped`` counts those not kept."""

    dropped: int = 0
    changes: list[PsmChange] = []


Edit = Callable[[Declaration], Declaration]

_encode = msgspec.json.Encoder().encode
_decode_declared = msgspec.json.Decoder(Declared).decode
_decode_history = msgspec.json.Decoder(History).decode


class Declarations:
    """Reads and writes declarations; every method may block, and raises ``StoreError``."""

    def __init__(self, store: Store, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now

    def all(self) -> dict[str, Declared]:
        """Every declaration by name; what cannot be read is left out."""
        found = {}
        for entry in self._under(DECLARED_PREFIX):
            declared = _read(entry)
            if declared is not None:
                found[entry.key.removeprefix(DECLARED_PREFIX)] = declared
        return found

    def get(self, name: str) -> Declared | None:
        """The declaration of a name."""
        return _read(self._store.get(DECLARED_PREFIX + name))

    def history(self, name: str) -> History:
        """All changes that are kept, the oldest first."""
        declared = self.get(name)
        history = self._history(name)[0]
        if declared is not None:
            _append(history, declared.last)
        return history

    def set(self, name: str, version: int, fields: Declaration, by: str, reason: str = "") -> None:
        """Replace a declaration; the history keeps the reason.

        Raises:
            Failure: ``conflict`` when it is not at this version, with who changed it and when.
        """

        self._change(name, "set", by, lambda _old: fields, version, reason)

    def claim(self, name: str, by: str, reason: str = "") -> None:
        """Make a person the owner of a name that has none; the history keeps the reason.

        Raises:
            Failure: ``conflict`` when somebody is declared its owner.
        """

        def edit(old: Declaration) -> Declaration:
            if old.owners:
                raise Failure(
                    Kind.CONFLICT, f"{name} is owned by {', '.join(old.owners)}: ask them"
                )
            return replace(old, owners=[by])

        self._change(name, "claim", by, edit, None, reason)

    def _change(
        self,
        name: str,
        action: Action,
        by: str,
        edit: Edit,
        version: int | None,
        reason: str = "",
    ) -> None:
        while True:
            entry = self._store.get(DECLARED_PREFIX + name)
            old = _read(entry)
            at = old.version if old is not None else 0
            if version is not None and version != at:
                raise _conflict(name, old, version)
            before = old.fields if old is not None else NOTHING
            after = edit(before)
            changes = changed_fields(before, after)
            if not changes:
                return
            if entry is None:
                self._check_room()
            last = PsmChange(at + 1, self._now(), by, action, changes, reason)
            key = DECLARED_PREFIX + name
            value = _encode(Declared(at + 1, after, last)).decode()
            writes = [Write(key, value), outbox(_event(name, last, before, after))]
            expect = {key: entry.mod_revision if entry is not None else 0}
            if old is not None:
                write, revision = self._kept(name, old.last)
                writes.append(write)
                expect[write.key] = revision
            try:
                self._store.commit(writes, expect=expect)
            except Conflict:
                continue  # somebody was faster: look again
            return

    def _check_room(self) -> None:
        if sum(1 for _ in self._under(DECLARED_PREFIX)) >= MAX_DECLARED:
            raise Failure(Kind.EXHAUSTED, f"{MAX_DECLARED} names are declared, which is the most")

    def _kept(self, name: str, change: PsmChange) -> tuple[Write, int]:
        """The write that puts a change into the history, and that key's revision."""
        history, revision = self._history(name)
        _append(history, change)
        value = _encode(history).decode()
        while len(history.changes) > MAX_CHANGES or len(value) > MAX_HISTORY:
            del history.changes[0]
            history.dropped += 1
            value = _encode(history).decode()
        return Write(_HISTORY + name, value), revision

    def _history(self, name: str) -> tuple[History, int]:
        """The history under its key, and that key's revision."""
        entry = self._store.get(_HISTORY + name)
        if entry is None:
            return History(), 0
        try:
            return _decode_history(entry.value), entry.mod_revision
        except msgspec.MsgspecError:
            return History(), entry.mod_revision

    def _under(self, prefix: str) -> Iterator[Entry]:
        """All entries under a prefix, in parts when they are too many for one answer."""
        try:
            yield from self._store.range(prefix).entries
        except LimitExceeded:
            whole = self._store.get(prefix)
            if whole is not None:
                yield whole
            for character in _NAME_CHARACTERS:
                yield from self._under(prefix + character)


def _event(name: str, change: PsmChange, before: Declaration, after: Declaration) -> ChangeEvent:
    """A change of what is declared, for the stream of all changes."""
    return ChangeEvent(
        id=new_event_id(),
        at=change.at,
        kind="owner",
        psm=name,
        subject=f"declaration/{name}",
        person=change.by,
        reason=change.reason or ("claimed it" if change.action == "claim" else ""),
        version=change.version,
        before=_encode(before).decode() if before != NOTHING else "",
        after=_encode(after).decode(),
    )


def _read(entry: Entry | None) -> Declared | None:
    if entry is None:
        return None
    try:
        return _decode_declared(entry.value)
    except msgspec.MsgspecError:
        return None


def _append(history: History, change: PsmChange) -> bool:
    """Add a change that is newer than all in the history; whether it was."""
    if history.changes and history.changes[-1].version >= change.version:
        return False
    history.changes.append(change)
    return True


def _conflict(name: str, now: Declared | None, version: int) -> Failure:
    if now is None:
        return Failure(
            Kind.CONFLICT, f"{name} is not declared: send version 0 instead of {version}"
        )
    last = now.last
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(last.at))
    fields = ", ".join(change.field for change in last.changes)
    return Failure(
        Kind.CONFLICT,
        f"{last.by} changed {fields} of {name} at {when}: it is at version {now.version}, and your "
        f"change is to version {version}. Look at it again, then change it",
    )
