"""Flipping switches: rules of kind ``degrade``, an index of who has any, and groups of switches."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec

from pie.govern import Key
from pie.govern.degrade import SWITCH_NAME
from pie.model import PSM, Failure, Kind
from pie.platform.ask.named_failure import NamedFailure
from pie.platform.pages.degrade.views import FlipPut, SwitchName
from pie.state import LimitExceeded, Store, Write
from pie.state.events import ChangeEvent, new_event_id, outbox
from pie.state.rules.book import RuleBook, RuleConflict, Unreadable
from pie.state.rules.document import RuleDocument, WrittenRule

INDEX = "/pie/degrade/services/"
"""One key for each service whose switches were ever flipped here."""
GROUPS = "/pie/degrade/groups/"
MAX_GROUPS = 500
MAX_IN_GROUP = 200
_ATTEMPTS = 5
_ENDED = "ended at the time that was set"


class Group(msgspec.Struct, frozen=True):
    """Switches that are flipped together."""

    name: str
    description: str
    switches: list[SwitchName]
    author: str
    at: float


_decode = msgspec.json.Decoder(Group).decode


def key_of(psm: str) -> Key:
    """The rules that hold a service's switches."""
    return Key("degrade", psm, "server")


class SwitchBook:
    """Flips switches; every method may block, and raises ``StoreError``."""

    def __init__(self, store: Store, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._rules = RuleBook(store)
        self._now = now

    def frozen(self) -> str:
        """Why nobody publishes rules at present; empty = everybody may."""
        freeze = self._rules.frozen()
        return "" if freeze is None else f"{freeze.by}: {freeze.reason}"

    def documents(self, psms: Iterable[str]) -> dict[str, RuleDocument]:
        """The degradation rules of these services, and of all in the index; by PSM."""
        indexed = [e.key.removeprefix(INDEX) for e in self._store.range(INDEX).entries]
        found = {}
        for psm in sorted({*psms, *indexed}):
            with suppress(Unreadable):  # The page of its rules says so; the others have switches.
                document = self._rules.get(key_of(psm))
                if document is not None:
                    found[psm] = document
        return found

    def flip(self, psm: str, name: str, wanted: FlipPut, by: str) -> None:
        """Switch off or on; what the rules say of other switches, or for some calls alone, stays.

        Raises:
            RuleError: the share, the failures or the end make no sense.
            Failure: the end is past, or the PSM is none.
        """
        _check(psm, name)
        now = self._now()
        if wanted.off and wanted.until is not None and wanted.until <= now:
            past = _moment(wanted.until)
            raise NamedFailure(
                Kind.INVALID, f"until: {past} is past: give a later time", "until_past", until=past
            )
        rule = _rule(name, wanted, by, now) if wanted.off else None
        word = "off" if wanted.off else "on"
        if rule is not None and self._store.get(INDEX + psm) is None:
            self._store.put(INDEX + psm, psm)  # Before the rule: none is missed.
        comment = f"{name} {word}: {wanted.reason}"
        self._change(psm, lambda rules: _with(rules, name, rule), comment, by, name)

    def end(self, psm: str) -> bool:
        """Take away the rules whose time is over; whether there were any."""
        now = self._now()

        def live(rules: list[WrittenRule]) -> list[WrittenRule]:
            return [each for each in rules if not is_over(each, now)]

        return self._change(psm, live, _ENDED, "pie")

    def indexed(self) -> list[str]:
        """The services of the index."""
        return [e.key.removeprefix(INDEX) for e in self._store.range(INDEX).entries]

    def groups(self) -> list[Group]:
        """All groups, by name."""
        return [
            msgspec.json.decode(each.value, type=Group)
            for each in self._store.range(GROUPS).entries
        ]

    def group(self, name: str) -> Group:
        """One group.

        Raises:
            Failure: there is none of this name.
        """
        found = self._store.get(GROUPS + name)
        if found is None:
            names = ", ".join(each.name for each in self.groups()) or "none"
            raise NamedFailure(
                Kind.NOT_FOUND, f"there is no group {name}; there are: {names}", "no_group",
                name=name, names=names,
            )  # fmt: skip
        return _decode(found.value)

    def set_group(self, name: str, switches: list[SwitchName], description: str, by: str) -> None:
        """Make or replace a group.

        Raises:
            LimitExceeded: there are too many, or too many switches in it.
            Failure: a switch is no PSM and name.
        """
        for each in switches:
            _check(each.psm, each.name)
        old = self._store.get(GROUPS + name)
        if old is None and len(self.groups()) >= MAX_GROUPS:
            raise LimitExceeded(f"there are {MAX_GROUPS} groups already, which is the most")
        if len(switches) > MAX_IN_GROUP:
            raise LimitExceeded(
                f"{len(switches)} switches in one group; the most is {MAX_IN_GROUP}"
            )
        value = _json(Group(name, description, switches, by, self._now()))
        self._commit_group(
            name, value, old.value if old else "", old.mod_revision if old else 0, by
        )

    def delete_group(self, name: str, by: str) -> None:
        """Forget a group; its switches stay as they are."""
        old = self._store.get(GROUPS + name)
        if old is not None:
            self._commit_group(name, None, old.value, old.mod_revision, by)

    def _commit_group(
        self, name: str, value: str | None, before: str, revision: int, by: str
    ) -> None:
        event = ChangeEvent(
            id=new_event_id(),
            at=self._now(),
            kind="switch",
            subject=f"group/{name}",
            person=by,
            before=before,
            after=value or "",
        )
        self._store.commit(
            [Write(GROUPS + name, value), outbox(event)], expect={GROUPS + name: revision}
        )

    def _change(
        self,
        psm: str,
        edit: Callable[[list[WrittenRule]], list[WrittenRule]],
        comment: str,
        by: str,
        switch: str = "",
    ) -> bool:
        """Publish an edit of whatever stands: other switches may be flipped at the same time."""
        for attempt in range(_ATTEMPTS):
            document = self._rules.get(key_of(psm))
            old = list(document.rules) if document is not None else []
            new = edit(old)
            if new == old:
                return False
            seen = document.version if document is not None else 0
            try:
                self._rules.publish(
                    key_of(psm), new, seen=seen, by=by, comment=comment, switch=switch
                )
            except RuleConflict:
                if attempt == _ATTEMPTS - 1:
                    raise
                continue
            break
        return True


def _check(psm: str, name: str) -> None:
    try:
        PSM.parse(psm)
    except ValueError as error:
        raise Failure(Kind.INVALID, str(error)) from None
    if not SWITCH_NAME.fullmatch(name):
        raise NamedFailure(
            Kind.INVALID, f"{name[:100]!r} is no name of a switch", "bad_switch", name=name[:100]
        )


def is_over(rule: WrittenRule, now: float) -> bool:
    """Whether a rule's own end is past."""
    until = seconds(rule.body.get("until"))
    return until > 0 and until <= now


def seconds(text: Any) -> float:
    """A time as rules write it; 0 where there is none."""
    try:
        return datetime.fromisoformat(text).timestamp() if isinstance(text, str) else 0.0
    except ValueError:
        return 0.0


def _rule(name: str, wanted: FlipPut, by: str, now: float) -> WrittenRule:
    body: dict[str, Any] = {"switch": name}
    if wanted.percent != 100:
        body |= {"percent": wanted.percent, "by": wanted.by}
    if wanted.on:
        body["on"] = sorted(wanted.on)
    if wanted.until is not None:
        body["until"] = _moment(wanted.until)
    return WrittenRule({}, body | {"reason": wanted.reason, "since": _moment(now), "person": by})


def _with(rules: list[WrittenRule], name: str, rule: WrittenRule | None) -> list[WrittenRule]:
    kept = [each for each in rules if each.scope or each.body.get("switch") != name]
    return kept if rule is None else [*kept, rule]


def _moment(at: float) -> str:
    return datetime.fromtimestamp(round(at), UTC).isoformat()


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
