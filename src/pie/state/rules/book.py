"""The rule book: publishes rule sets, keeps their versions, and says who changed what.

Every change is one commit of the document, its version in the history and its event, made on the
version that the editor saw. So two editors never overwrite each other, and a store that is killed
meanwhile holds all of it or nothing.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from pie.govern import Key
from pie.model import SYSTEM_CLOCK, Clock
from pie.state.events import MAX_REASON, ChangeEvent, EventKind, new_event_id, outbox
from pie.state.freeze import FREEZE_KEY, Freeze, check_thawed, freeze_of
from pie.state.rules.document import (
    KEPT_VERSIONS,
    MAX_DOCUMENT,
    ROLLOUTS,
    Rollout,
    RuleDocument,
    WrittenRule,
    decode,
    encode,
    history_key,
    history_prefix,
    key_of,
    read_set,
    rolling_key_of,
    rollout_key,
    rollouts_prefix,
    rules_key,
    rules_prefix,
    version_of,
)
from pie.state.store.fence import Fenced, FenceLost
from pie.state.store.interface import (
    MAX_VALUE,
    Conflict,
    Entry,
    Invalid,
    LimitExceeded,
    Store,
    StoreError,
    Write,
)

_ATTEMPTS = 5
_ROOM = 32 << 10
"""Bytes of a commit for keys and for what surrounds the rules in it."""


class RuleConflict(Conflict):
    """The rule set is not at the version that the editor saw; ``current`` is what it holds."""

    def __init__(self, message: str, current: RuleDocument | None) -> None:
        super().__init__(message)
        self.current = current


class Unreadable(StoreError):
    """The rule set is none that this Pie can read; publishing over it with ``seen=0`` mends it."""


class Published(NamedTuple):
    """The rule sets of a service, and why there are some that cannot be read: one that is spoilt
    does not hide the others."""

    documents: dict[Key, RuleDocument]
    unreadable: dict[Key, str]


class RuleBook:
    """The rules of a fleet, for those who publish them.

    Args:
        store: that holds them.
        fence: of who may write in one process only; `FenceLost` is raised where it does not hold.
        clock: dates what is published.
    """

    def __init__(
        self, store: Store, *, fence: Fenced | None = None, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._store = store
        self._commit = store.commit if fence is None else fence.commit
        self._clock = clock

    # -- reading ------------------------------------------------------------------------------

    def get(self, key: Key) -> RuleDocument | None:
        """The rule set as it stands.

        Raises:
            StoreError: it cannot be read; `Invalid` for a key that no rule set can have.
        """
        return self._current(key)[0]

    def all(self, psm: str) -> Published:
        """All rule sets that the owner of a service published, those of newer Pies included."""
        found: dict[Key, RuleDocument] = {}
        unreadable: dict[Key, str] = {}
        for entry in self._store.range(_valid(rules_prefix, psm)).entries:
            key = key_of(entry.key)
            if key is None:
                continue
            try:
                found[key] = _document(entry)
            except Unreadable as error:
                unreadable[key] = error.message
        return Published(found, unreadable)

    def history(self, key: Key) -> list[RuleDocument]:
        """The versions that are kept, the newest first; those that cannot be read are left out."""
        found = []
        for entry in reversed(self._store.range(_valid(history_prefix, key)).entries):
            with suppress(Unreadable):
                found.append(_document(entry))
        return found

    def rolling(self, psm: str = "") -> dict[Key, str]:
        """The rule sets whose newest version is on its way, and what each waits for.

        Args:
            psm: those of this service alone.
        """
        prefix = _valid(rollouts_prefix, psm) if psm else ROLLOUTS
        entries = self._store.range(prefix).entries
        found = ((rolling_key_of(entry.key), entry.value) for entry in entries)
        return {key: waits for key, waits in found if key is not None}

    def note_waiting(self, key: Key, reason: str) -> None:
        """Say what a roll-out waits for."""
        self._commit([Write(rollout_key(key), reason)])

    def frozen(self) -> Freeze | None:
        """Who froze the rules, and why; None while they are not."""
        return freeze_of(self._store)

    # -- publishing ---------------------------------------------------------------------------

    def publish(
        self,
        key: Key,
        rules: Sequence[WrittenRule],
        *,
        seen: int,
        by: str,
        comment: str,
        rollout: Rollout | None = None,
        though_frozen: bool = False,
        switch: str = "",
    ) -> RuleDocument:
        """Put rules in force, in place of those that stand.

        Args:
            key: of the rule set.
            rules: all of it; none = no rules.
            seen: the version that the editor saw, 0 = there was none, or none that can be read.
            by: who publishes.
            comment: why.
            rollout: how it begins, if it goes step by step; None = on every instance at once.
            though_frozen: for the platform, which takes back what does harm, and for drains.
            switch: that is flipped by this: the event is about it.

        Raises:
            RuleError: a rule cannot be applied.
            RuleConflict: the set has another version by now.
            Frozen: nobody publishes at present.
            LimitExceeded: the rules are too large.
            StoreError: the store cannot take them; `StoreAway`: whether it did is unknown.
        """
        for _ in range(_ATTEMPTS):
            current, revision = self._current(key, mends=not seen)
            if seen != (current.version if current is not None else 0):
                raise _conflict(key, seen, current)
            version = self._next_version(key, current)
            read_set(key, version, rules)
            document = RuleDocument(
                **key._asdict(),
                version=version,
                rules=tuple(rules),
                author=_named(by),
                at=self._clock.wall(),
                comment=_bounded(comment),
            )
            writes = [Write(history_key(key, version), encode(document))]
            if version > KEPT_VERSIONS:
                writes.append(Write(history_key(key, version - KEPT_VERSIONS), None))
            if rollout is not None:
                document = _rolling(document, rollout, current)
            writes.append(Write(rollout_key(key), "" if rollout is not None else None))
            writes.insert(0, Write(rules_key(key), _checked(document)))
            event = self._event(
                "rule", document, by, comment,
                before=_json(current.rules) if current is not None else "",
                after=_json(document.rules),
            )  # fmt: skip
            if switch:
                event = msgspec.structs.replace(event, kind="switch", subject=f"switch/{switch}")
            expect = {rules_key(key): revision, history_key(key, version): 0}
            writes.append(_fitting(event, writes))
            if self._committed(writes, expect, though_frozen=though_frozen):
                return document
        raise Conflict(f"{rules_key(key)} changes all the time: try again")

    def rollback(
        self,
        key: Key,
        to: int,
        *,
        seen: int,
        by: str,
        comment: str,
        rollout: Rollout | None = None,
    ) -> RuleDocument:
        """Publish the rules of an older version anew; arguments and errors as of `publish`.

        Raises:
            Invalid: the version is not kept.
        """
        entry = self._store.get(_valid(history_key, key, to))
        if entry is None:
            kept = [each.version for each in self.history(key)]
            listed = f"kept are v{kept[-1]} to v{kept[0]}" if kept else "it was never published"
            raise Invalid(f"there is no v{to} of {name_of(key)}: {listed}")
        why = f"back to v{to}: {comment}" if comment else f"back to v{to}"
        rules = _document(entry).rules
        return self.publish(key, rules, seen=seen, by=by, comment=why, rollout=rollout)

    def roll(
        self,
        document: RuleDocument,
        rollout: Rollout | None,
        *,
        by: str,
        reason: str,
    ) -> RuleDocument | None:
        """Take a roll-out one step further, end it (None), or stop it.

        Args:
            document: as it was read.
            rollout: the step.
            by: who does it.
            reason: why.

        Returns:
            The document; None if somebody published meanwhile: then there is nothing to roll out.

        Raises:
            Frozen: no roll-out goes on at present; it can be stopped all the same.
            StoreError: the store cannot take it.
        """
        key = document.key
        stops = rollout is not None and bool(rollout.stopped)
        for _ in range(_ATTEMPTS):
            current, revision = self._current(key)
            if current != document:
                return None
            rolled = msgspec.structs.replace(document, rollout=rollout)
            if rollout is None:
                rolled = msgspec.structs.replace(rolled, previous=None, previous_version=0)
            event = self._event(
                "rollout", document, by, reason,
                before=_json(document.rollout), after=_json(rollout),
            )  # fmt: skip
            writes = [Write(rules_key(key), encode(rolled)), outbox(event)]
            if rollout is None or stops:
                writes.append(Write(rollout_key(key), None))
            if self._committed(writes, {rules_key(key): revision}, though_frozen=stops):
                return rolled
        raise Conflict(f"{rules_key(key)} changes all the time: try again")

    # -- freezing -----------------------------------------------------------------------------

    def freeze(self, by: str, reason: str) -> Freeze:
        """Stop publishing and roll-outs in the whole fleet.

        Raises:
            Frozen: somebody else did.
        """
        freeze = Freeze(by=_named(by), at=self._clock.wall(), reason=_bounded(reason))
        text = _json(freeze)
        event = self._fleet_event("freeze", by, reason, after=text)
        try:
            self._commit([Write(FREEZE_KEY, text), outbox(event)], expect={FREEZE_KEY: 0})
        except Conflict:
            check_thawed(self._store)
            raise
        return freeze

    def thaw(self, by: str, reason: str) -> bool:
        """Let people publish again; False if nothing was frozen."""
        entry = self._store.get(FREEZE_KEY)
        if entry is None:
            return False
        event = self._fleet_event("freeze", _named(by), reason, before=entry.value)
        writes = [Write(FREEZE_KEY, None), outbox(event)]
        self._commit(writes, expect={FREEZE_KEY: entry.mod_revision})
        return True

    # -- in these -----------------------------------------------------------------------------

    def _current(self, key: Key, *, mends: bool = False) -> tuple[RuleDocument | None, int]:
        entry = self._store.get(_valid(rules_key, key))
        if entry is None:
            return None, 0
        try:
            return _document(entry), entry.mod_revision
        except Unreadable:
            if not mends:
                raise
            return None, entry.mod_revision

    def _next_version(self, key: Key, current: RuleDocument | None) -> int:
        if current is not None:
            return current.version + 1
        # Somebody deleted the document by hand, or spoilt it.
        kept = self._store.range(_valid(history_prefix, key)).entries
        return version_of(kept[-1].key) + 1 if kept else 1

    def _committed(
        self, writes: Sequence[Write], expect: Mapping[str, int], *, though_frozen: bool = False
    ) -> bool:
        """Commit; False when somebody else was faster, so that all is to be read again."""
        frozen = {} if though_frozen else {FREEZE_KEY: 0}
        try:
            self._commit(writes, expect={**expect, **frozen})
        except FenceLost:
            raise
        except Conflict:
            if not though_frozen:
                check_thawed(self._store)
            return False
        return True

    def _event(
        self,
        kind: EventKind,
        document: RuleDocument,
        by: str,
        reason: str,
        *,
        before: str,
        after: str,
    ) -> ChangeEvent:
        return ChangeEvent(
            id=new_event_id(self._clock),
            at=self._clock.wall(),
            kind=kind,
            psm=document.psm,
            subject=f"rule/{document.side}/{document.kind}",
            person=by,
            reason=_bounded(reason),
            version=document.version,
            before=before,
            after=after,
        )

    def _fleet_event(
        self, kind: EventKind, by: str, reason: str, *, before: str = "", after: str = ""
    ) -> ChangeEvent:
        return ChangeEvent(
            id=new_event_id(self._clock),
            at=self._clock.wall(),
            kind=kind,
            subject="rules",
            person=by,
            reason=_bounded(reason),
            before=before,
            after=after,
        )


def name_of(key: Key) -> str:
    """A rule set as people name it."""
    return f"the {key.kind} rules ({key.side}) of {key.psm}"


def _rolling(
    document: RuleDocument, rollout: Rollout, current: RuleDocument | None
) -> RuleDocument:
    """With what the instances run that the roll-out has not reached: the last complete version."""
    if current is None:
        before, version = None, 0
    elif current.rollout is None:
        before, version = current.rules, current.version
    else:
        before, version = current.previous, current.previous_version
    return msgspec.structs.replace(
        document, rollout=rollout, previous=before, previous_version=version
    )


def _checked(document: RuleDocument) -> str:
    text = encode(document)
    size = len(text.encode())
    if size > MAX_DOCUMENT:
        with_both = document.previous is not None
        raise LimitExceeded(
            f"{name_of(document.key)} have {size} bytes"
            f"{' together with those they replace' if with_both else ''}; the limit is "
            f"{MAX_DOCUMENT}: use sets and prefixes in scopes"
            f"{', or publish without a roll-out' if with_both else ''}"
        )
    return text


def _fitting(event: ChangeEvent, others: Sequence[Write]) -> Write:
    """The event, without what was before if the commit would be too large with it."""
    write = outbox(event)
    size = sum(len((each.value or "").encode()) for each in (*others, write))
    if size <= MAX_VALUE - _ROOM:
        return write
    return outbox(msgspec.structs.replace(event, before=""))


def _conflict(key: Key, seen: int, current: RuleDocument | None) -> RuleConflict:
    saw = f"v{seen}" if seen else "no rules"
    if current is None:
        return RuleConflict(
            f"{name_of(key)} are gone, and you saw {saw}: read them again and decide anew", None
        )
    comment = f" ({current.comment})" if current.comment else ""
    return RuleConflict(
        f"{current.author or 'somebody'} published v{current.version} of {name_of(key)} at "
        f"{_date(current.at)}{comment}, and you saw {saw}: nothing was changed; compare with "
        "it and publish again",
        current,
    )


def _document(entry: Entry) -> RuleDocument:
    try:
        return decode(entry.value)
    except ValueError as error:
        raise Unreadable(
            f"{entry.key} holds no rules that this Pie can read ({error}): a newer Pie or a hand "
            "wrote it; rules that are published anew, as if there were none, replace it"
        ) from None


def _valid(make: Any, *arguments: Any) -> str:
    """The key that a function makes. Raises `Invalid` where that raises ValueError."""
    try:
        key: str = make(*arguments)
    except ValueError as error:
        raise Invalid(str(error)) from None
    return key


def _named(by: str) -> str:
    if not by.strip():
        raise Invalid("a change needs the name of who makes it")
    return by


def _bounded(text: str) -> str:
    if len(text) > MAX_REASON:
        raise Invalid(f"the comment has {len(text)} characters; the limit is {MAX_REASON}")
    return text


def _json(value: object) -> str:
    return "" if value is None else msgspec.json.encode(value).decode()


def _date(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
