"""Changes people and their tokens: each change and its event in one commit."""

import json
from collections.abc import Callable
from typing import Any

import msgspec

from pie.model import SYSTEM_CLOCK, Clock, Failure, Kind
from pie.platform.ask.named_failure import NamedFailure
from pie.platform.server.identity.mirror import PeopleMirror
from pie.platform.server.identity.record import (
    PREFIX,
    PersonalToken,
    PersonRecord,
    checked_name,
    decode,
    encode,
    key_of,
    new_token,
)
from pie.state import Conflict, Entry, Store, Write
from pie.state.events import ChangeEvent, new_event_id, outbox

MAX_PEOPLE = 10_000
MAX_TOKENS = 20
"""Of one person; those that are expired make room."""
MAX_DAYS = 3660
MAX_NOTE = 100
_DAY = 86_400.0

_Edit = Callable[[PersonRecord], PersonRecord]


class PeopleBook:
    """Reads and writes the people of a store; every method may block, and raises ``StoreError``.

    Args:
        store: desired state.
        mirror: learns at once what is written here, other platforms' mirrors within a second.
        clock: times changes and expiries.
    """

    def __init__(self, store: Store, mirror: PeopleMirror, clock: Clock = SYSTEM_CLOCK) -> None:
        self._store = store
        self._mirror = mirror
        self._clock = clock

    def all(self) -> list[PersonRecord]:
        """Everybody, by name; who cannot be read is left out."""
        found = (_read(entry) for entry in self._store.range(PREFIX).entries)
        return sorted((each for each in found if each is not None), key=lambda each: each.name)

    def get(self, name: str) -> PersonRecord:
        """One person.

        Raises:
            Failure: ``not_found``.
        """
        entry = self._store.get(key_of(name))
        if entry is None:
            raise _no_such(name)
        return _strictly(entry)

    def add(self, name: str, *, admin: bool, by: str, reason: str) -> PersonRecord:
        """A new person, without a token.

        Raises:
            Failure: ``invalid`` for the name; ``conflict`` when there is such a person;
                ``exhausted`` when there are too many.
        """
        name = checked_name(name)
        person = PersonRecord(name=name, admin=admin, created=self._clock.wall(), created_by=by)
        if len(self._store.range(PREFIX).entries) >= MAX_PEOPLE:
            raise NamedFailure(
                Kind.EXHAUSTED, f"there are {MAX_PEOPLE} people, which is the most", "people_full",
                most=MAX_PEOPLE,
            )  # fmt: skip
        try:
            self._write(None, person, 0, by, reason)
        except Conflict:
            raise NamedFailure(
                Kind.CONFLICT, f"there is a person named {name} already", "person_known", name=name
            ) from None
        return person

    def set_admin(self, name: str, admin: bool, *, by: str, reason: str) -> PersonRecord:
        """Make a person an admin, or no longer. Raises as ``change``."""
        return self._change(name, by, reason, lambda old: _replace(old, admin=admin))

    def set_disabled(self, name: str, disabled: bool, *, by: str, reason: str) -> PersonRecord:
        """Disable a person, which ends their sessions and stops their tokens, or enable them."""
        now = self._clock.wall()

        def edit(old: PersonRecord) -> PersonRecord:
            return _replace(old, disabled=(old.disabled or now) if disabled else 0.0)

        return self._change(name, by, reason, edit)

    def add_token(
        self, name: str, *, days: int, note: str, by: str, reason: str
    ) -> tuple[str, PersonalToken, PersonRecord]:
        """A new token: its text, which is nowhere kept, the token, and the person who has it now.

        Args:
            name: of the person.
            days: until it expires, 0 = never.
            note: what it is for.
            by: who makes it.
            reason: why, for the audit.

        Raises:
            Failure: ``not_found``; ``invalid`` for days and note; ``exhausted`` when the person has
                20 that are good; ``conflict`` for a person who is disabled.
        """
        if not 0 <= days <= MAX_DAYS:
            raise NamedFailure(
                Kind.INVALID, f"days: {days} is not in 0..{MAX_DAYS}", "days_range", most=MAX_DAYS
            )
        note = note.strip()
        if len(note) > MAX_NOTE or (note and not note.isprintable()):
            raise NamedFailure(
                Kind.INVALID, f"note: give at most {MAX_NOTE} printable characters", "note_long",
                most=MAX_NOTE,
            )  # fmt: skip
        now = self._clock.wall()
        text, token = new_token(now, now + days * _DAY if days else 0.0, note)

        def edit(old: PersonRecord) -> PersonRecord:
            if old.disabled:
                raise NamedFailure(
                    Kind.CONFLICT, f"{name} is disabled: enable them first", "disabled", name=name
                )
            kept = old.tokens
            if len(kept) >= MAX_TOKENS:
                kept = tuple(each for each in kept if not each.is_expired(now))
            if len(kept) >= MAX_TOKENS:
                raise NamedFailure(
                    Kind.EXHAUSTED, f"{name} has {MAX_TOKENS} tokens, the most: revoke one first",
                    "tokens_full", name=name, most=MAX_TOKENS,
                )  # fmt: skip
            return _replace(old, tokens=(*kept, token))

        return text, token, self._change(name, by, reason, edit)

    def revoke(self, name: str, token_id: str, *, by: str, reason: str) -> PersonRecord:
        """End a token.

        Raises:
            Failure: ``not_found`` for the person or the token.
        """

        def edit(old: PersonRecord) -> PersonRecord:
            if old.token(token_id) is None:
                raise NamedFailure(
                    Kind.NOT_FOUND, f"{name} has no token {token_id[:40]!r}", "no_token", name=name
                )
            return _replace(old, tokens=tuple(each for each in old.tokens if each.id != token_id))

        return self._change(name, by, reason, edit)

    def _change(self, name: str, by: str, reason: str, edit: _Edit) -> PersonRecord:
        while True:
            entry = self._store.get(key_of(name))
            if entry is None:
                raise _no_such(name)
            old = _strictly(entry)
            new = edit(old)
            if new == old:
                return old
            try:
                self._write(old, new, entry.mod_revision, by, reason)
            except Conflict:
                continue  # somebody was faster: look again
            return new

    def _write(
        self, old: PersonRecord | None, new: PersonRecord, seen: int, by: str, reason: str
    ) -> None:
        key = key_of(new.name)
        value = encode(new).decode()
        event = ChangeEvent(
            id=new_event_id(self._clock),
            at=self._clock.wall(),
            kind="people",
            subject=f"person/{new.name}",
            person=by,
            reason=reason,
            before=_shown(old) if old is not None else "",
            after=_shown(new),
        )
        revision = self._store.commit([Write(key, value), outbox(event)], expect={key: seen})
        self._mirror.apply(Entry(key, value, seen or revision, revision))


def _shown(person: PersonRecord) -> str:
    """A person in an event: all but the hashes of tokens."""
    return json.dumps(
        {
            "name": person.name,
            "admin": person.admin,
            "disabled": bool(person.disabled),
            "tokens": [
                {"id": each.id, "note": each.note, "expires": each.expires}
                for each in person.tokens
            ],
        },
        ensure_ascii=False,
    )


def _replace(person: PersonRecord, **changes: Any) -> PersonRecord:
    return msgspec.structs.replace(person, **changes)


def _read(entry: Entry) -> PersonRecord | None:
    try:
        return decode(entry.value)
    except msgspec.MsgspecError:
        return None


def _strictly(entry: Entry) -> PersonRecord:
    try:
        return decode(entry.value)
    except msgspec.MsgspecError as error:
        raise Failure(
            Kind.INTERNAL, f"{entry.key} of the state store cannot be read ({error})"
        ) from error


def _no_such(name: str) -> Failure:
    return Failure(Kind.NOT_FOUND, f"there is no person named {name[:80]!r}")
