"""The config book: publishes configurations, keeps their versions, and says who changed what.

Every change is one commit of the document, its version in the history and its event, made on the
version that the editor saw. So two editors never overwrite each other, and a store that is killed
meanwhile holds all of it or nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from pie.model import PSM, SYSTEM_CLOCK, Clock
from pie.state.config.document import (
    MASK,
    ConfigDocument,
    ConfigError,
    Override,
    check_document,
    config_key,
    masked,
    read_document,
)
from pie.state.events import MAX_REASON, ChangeEvent, new_event_id, outbox
from pie.state.freeze import FREEZE_KEY, check_thawed
from pie.state.store.interface import Conflict, Invalid, Store, Write

KEPT_VERSIONS = 50
HISTORY_PREFIX = "/pie/history/config/"
_CHANGED = f"{MASK} (changed)"


class ConfigConflict(Conflict):
    """The configuration is not at the version that the editor saw."""

    def __init__(self, message: str, current: ConfigDocument) -> None:
        super().__init__(message)
        self.current = current


class ConfigBook:
    """The configurations of a fleet, for those who publish them.

    Args:
        store: that holds them.
        clock: dates what is published.
    """

    def __init__(self, store: Store, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._store = store
        self._clock = clock

    def get(self, psm: str) -> ConfigDocument:
        """The configuration as it stands, secrets included; version 0 = nothing was published.

        Raises:
            ConfigError: it cannot be read.
            StoreError: the store failed.
        """
        return self._current(psm)[0]

    def history(self, psm: str) -> list[ConfigDocument]:
        """The versions that are kept, the newest first, secrets included."""
        _check_psm(psm)
        entries = self._store.range(f"{HISTORY_PREFIX}{psm}/").entries
        return [read_document(entry.value) for entry in reversed(entries)]

    def publish(
        self,
        psm: str,
        values: Mapping[str, Any],
        *,
        seen: int,
        by: str,
        comment: str,
        secrets: Sequence[str] = (),
        overrides: Sequence[Override] = (),
    ) -> ConfigDocument:
        """Put a configuration in force, in place of the one that stands.

        Args:
            psm: whose it is.
            values: all of them; a secret may be ``MASK``, which keeps its value.
            seen: the version that the editor saw, 0 = there was none.
            by: who publishes.
            comment: why.
            secrets: keys that are shown to nobody.
            overrides: all of them, the one that wins first.

        Raises:
            ConfigError: a key, a value or an override is wrong.
            ConfigConflict: somebody else published meanwhile.
            Frozen: nobody publishes at present.
            StoreError: the store cannot take it; `StoreAway`: whether it did is unknown.
        """
        return self.commit(
            self.draft(
                psm,
                values,
                seen=seen,
                by=by,
                comment=comment,
                secrets=secrets,
                overrides=overrides,
            )
        )

    def draft(
        self,
        psm: str,
        values: Mapping[str, Any],
        *,
        seen: int,
        by: str,
        comment: str,
        secrets: Sequence[str] = (),
        overrides: Sequence[Override] = (),
        current: ConfigDocument | None = None,
    ) -> ConfigDocument:
        """What `publish` would put in force; raises like it. ``current`` is what stands, if it was
        read already."""
        old = self.get(psm) if current is None else current
        if seen != old.version:
            raise self.conflict(old, seen)
        if len(comment) > MAX_REASON:
            raise ConfigError(
                f"comment: {len(comment)} characters are more than the limit of {MAX_REASON}"
            )
        document = ConfigDocument(
            psm=psm,
            version=old.version + 1,
            values=_unmasked(dict(values), secrets, old.values, old.secrets, ""),
            secrets=sorted(set(secrets)),
            overrides=[_with_secrets(each, secrets, old) for each in overrides],
            author=by,
            at=self._clock.wall(),
            comment=comment,
        )
        check_document(document)
        return document

    def commit(self, document: ConfigDocument) -> ConfigDocument:
        """Put a draft in force; raises like `publish`."""
        psm, version = document.psm, document.version
        old, revision = self._current(psm)
        if version != old.version + 1:
            raise self.conflict(old, version - 1)
        text = msgspec.json.encode(document).decode()
        writes = [
            Write(config_key(psm), text),
            Write(_history_key(psm, version), text),
            outbox(self._event(old, document)),
        ]
        if version > KEPT_VERSIONS:
            writes.append(Write(_history_key(psm, version - KEPT_VERSIONS), None))
        expect = {config_key(psm): revision, _history_key(psm, version): 0, FREEZE_KEY: 0}
        try:
            self._store.commit(writes, expect=expect)
        except Conflict:
            check_thawed(self._store)
            current = self.get(psm)
            if current.version == old.version:
                raise
            raise self.conflict(current, old.version) from None
        return document

    def rollback(self, psm: str, to: int, *, seen: int, by: str, comment: str) -> ConfigDocument:
        """Publish an older version anew, its secrets and overrides included; raises as `publish`.

        Raises:
            Invalid: the version is not kept.
        """
        _check_psm(psm)
        entry = self._store.get(_history_key(psm, to))
        if entry is None:
            kept = [each.version for each in self.history(psm)]
            listed = f"kept are v{kept[-1]} to v{kept[0]}" if kept else "it was never published"
            raise Invalid(f"there is no v{to} of the configuration of {psm}: {listed}")
        old = read_document(entry.value)
        return self.publish(
            psm,
            old.values,
            seen=seen,
            by=by,
            comment=f"back to v{to}: {comment}" if comment else f"back to v{to}",
            secrets=sorted({*old.secrets, *self.get(psm).secrets}),
            overrides=old.overrides,
        )

    def conflict(self, current: ConfigDocument, seen: int) -> ConfigConflict:
        """The error for who saw an older version: who published what since."""
        when = datetime.fromtimestamp(current.at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        comment = f" ({current.comment})" if current.comment else ""
        return ConfigConflict(
            f"{current.author or 'somebody'} published v{current.version} of the configuration of "
            f"{current.psm} at {when}{comment}, and you saw v{seen}: nothing was changed; compare "
            "with it and publish again",
            current,
        )

    def _current(self, psm: str) -> tuple[ConfigDocument, int]:
        _check_psm(psm)
        entry = self._store.get(config_key(psm))
        if entry is not None:
            return read_document(entry.value), entry.mod_revision
        kept = self._store.range(f"{HISTORY_PREFIX}{psm}/").entries
        if not kept:
            return ConfigDocument(psm=psm, version=0), 0
        # Somebody deleted the document by hand: versions go on where they were.
        return ConfigDocument(psm=psm, version=read_document(kept[-1].value).version), 0

    def _event(self, old: ConfigDocument, new: ConfigDocument) -> ChangeEvent:
        before, after = shown_change(old, new)
        return ChangeEvent(
            id=new_event_id(self._clock),
            at=new.at,
            kind="config",
            psm=new.psm,
            subject="config",
            person=new.author,
            reason=new.comment,
            version=new.version,
            before="" if not old.version else msgspec.json.encode(before).decode(),
            after=msgspec.json.encode(after).decode(),
        )


def shown_change(old: ConfigDocument, new: ConfigDocument) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was and what is, as both may be shown: of a secret no more than that it changed."""
    secrets = {*old.secrets, *new.secrets}
    before, after = _shown(old, secrets), _shown(new, secrets)
    _mark(after["values"], old.values, new.values, secrets)
    earlier = {each.name: each.values for each in old.overrides}
    for shown, each in zip(after["overrides"], new.overrides, strict=True):
        _mark(shown["values"], earlier.get(each.name, {}), each.values, secrets)
    return before, after


def _mark(
    shown: dict[str, Any], old: Mapping[str, Any], new: Mapping[str, Any], secrets: set[str]
) -> None:
    for key in secrets & new.keys() & old.keys():
        if old[key] != new[key]:
            shown[key] = _CHANGED


def _shown(document: ConfigDocument, secrets: set[str]) -> dict[str, Any]:
    overrides = [
        msgspec.to_builtins(each) | {"values": masked(each.values, secrets)}
        for each in document.overrides
    ]
    return {
        "values": masked(document.values, secrets),
        "secrets": list(document.secrets),
        "overrides": overrides,
    }


def _with_secrets(override: Override, secrets: Sequence[str], old: ConfigDocument) -> Override:
    earlier = next((each.values for each in old.overrides if each.name == override.name), {})
    values = _unmasked(dict(override.values), secrets, earlier, old.secrets, f"{override.name}: ")
    return msgspec.structs.replace(override, values=values)


def _unmasked(
    values: dict[str, Any],
    secrets: Sequence[str],
    old: Mapping[str, Any],
    old_secrets: Sequence[str],
    where: str,
) -> dict[str, Any]:
    """With the values that stand in place of masks."""
    for key, value in values.items():
        if value not in (MASK, _CHANGED) or key not in {*secrets, *old_secrets}:
            continue
        if key not in old:
            raise ConfigError(f"{where}{key}: the mask stands for no value: give the value")
        if key not in secrets:
            raise ConfigError(
                f"{where}{key}: a secret's value cannot be made visible: give a new value, or "
                "keep it secret"
            )
        values[key] = old[key]
    return values


def _history_key(psm: str, version: int) -> str:
    return f"{HISTORY_PREFIX}{psm}/{version:08d}"


def _check_psm(psm: str) -> None:
    try:
        PSM.parse(psm)
    except ValueError as error:
        raise Invalid(str(error)) from None
