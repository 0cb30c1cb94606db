"""All people in memory, as the store has them: every request asks, and none waits for the store."""

import logging
import threading
from collections.abc import Sequence

import msgspec

from pie.model import SYSTEM_CLOCK, Clock
from pie.platform.server.identity.record import (
    PREFIX,
    PersonalToken,
    PersonRecord,
    decode,
    id_of,
    is_text_of,
)
from pie.state import Entry, Event, Follower, Store, StoreError

_log = logging.getLogger("pie.platform")


class PeopleMirror:
    """Follows the people of a store.

    While the store is away the last known people stay; a platform that never reached its store
    knows nobody but the bearer of ``admin.token``. Written by one thread, read by any.

    Args:
        store: desired state.
        clock: decides whether a token is expired.
    """

    def __init__(self, store: Store, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._store = store
        self._lock = threading.Lock()
        self._people: dict[str, PersonRecord] = {}
        self._revisions: dict[str, int] = {}
        self._owner_of: dict[str, str] = {}
        """Key of the person by id of a token."""
        self._used: dict[tuple[str, str], float] = {}

    def start(self, follower: Follower) -> None:
        """Read everybody, and follow from then on; returns also when the store is away."""
        try:
            self.loaded(self._store.range(PREFIX).entries)
        except StoreError as error:
            _log.error("the people cannot be read yet: %s", error)
        follower.follow(PREFIX, self)

    def by_token(self, text: str) -> tuple[PersonRecord, PersonalToken] | None:
        """The person who has this token; None unless both are good now."""
        token_id = id_of(text)
        person = self._people.get(self._owner_of.get(token_id or "", ""))
        if person is None or token_id is None:
            return None
        token = person.token(token_id)
        if token is None or not is_text_of(text, token):
            return None
        return (person, token) if person.admits(token_id, self._clock.wall()) else None

    def by_session(self, name: str, token_id: str) -> PersonRecord | None:
        """The person who logged in with that token; None unless both are good now."""
        person = self._people.get(self._owner_of.get(token_id, ""))
        if person is None or person.name != name:
            return None
        return person if person.admits(token_id, self._clock.wall()) else None

    def admins(self) -> list[str]:
        """The names of the admins who are not disabled, by name."""
        people = list(self._people.values())
        return sorted(each.name for each in people if each.admin and not each.disabled)

    def note_use(self, name: str, token_id: str) -> None:
        """A token was used now; kept in memory until ``take_uses``."""
        self._used[name, token_id] = self._clock.wall()

    def take_uses(self) -> dict[tuple[str, str], float]:
        """When tokens were used since the last ``take_uses``: Unix seconds by name and id."""
        used, self._used = self._used, {}
        return dict(used)

    def apply(self, entry: Entry) -> None:
        """Take in what was just written, or read, unless something newer is known."""
        with self._lock:
            if entry.mod_revision <= self._revisions.get(entry.key, 0):
                return
            self._revisions[entry.key] = entry.mod_revision
            person = _read(entry)
            if person is None:
                self._forget(entry.key)
                return
            # The new record first, so that nobody who stays is missed in between.
            old = self._people.get(entry.key)
            self._people[entry.key] = person
            for token in person.tokens:
                self._owner_of[token.id] = entry.key
            for token in old.tokens if old is not None else ():
                if person.token(token.id) is None:
                    self._owner_of.pop(token.id, None)

    def _forget(self, key: str) -> None:
        old = self._people.pop(key, None)
        for token in old.tokens if old is not None else ():
            self._owner_of.pop(token.id, None)

    # -- a listener of the store, in the follower's thread ------------------------------------

    def loaded(self, entries: Sequence[Entry]) -> None:
        """Everybody; who is not among them is gone."""
        there = {entry.key for entry in entries}
        with self._lock:
            for key in [key for key in self._people if key not in there]:
                self._forget(key)
                self._revisions.pop(key, None)
        for entry in entries:
            self.apply(entry)

    def changed(self, events: Sequence[Event]) -> None:
        """What changed, in order."""
        for event in events:
            if event.kind == "put":
                self.apply(Entry(event.key, event.value, event.revision, event.revision, 0))
            else:
                with self._lock:
                    self._forget(event.key)
                    self._revisions[event.key] = event.revision

    def lost(self, error: StoreError) -> None:
        """The last known people stay."""
        _log.warning("the people may be out of date: %s", error)

    def found(self) -> None:
        """The people are up to date (again)."""


def _read(entry: Entry) -> PersonRecord | None:
    try:
        return decode(entry.value)
    except msgspec.MsgspecError as error:
        _log.error("%s cannot be read, so this person is not let in: %s", entry.key, error)
        return None
