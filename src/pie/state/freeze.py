"""The freeze of a fleet: while it stands nobody publishes rules or configuration.

It is one key; each publishing expects it to be absent in the transaction in which it writes, so
that none slips past it.
"""

from datetime import UTC, datetime
from typing import Final

import msgspec

from pie.state.store.interface import Entry, Forbidden, Store

FREEZE_KEY: Final = "/pie/freeze"


class Freeze(msgspec.Struct, frozen=True, kw_only=True):
    """While it stands nobody publishes, and no roll-out goes on."""

    by: str
    at: float
    reason: str


class Frozen(Forbidden):
    """Nobody publishes at present."""

    def __init__(self, freeze: Freeze) -> None:
        super().__init__(
            f"rules and configuration are frozen by {freeze.by} since {_date(freeze.at)} "
            f"({freeze.reason}): an admin ends it with `pie rules thaw`"
        )
        self.freeze = freeze


def freeze_of(store: Store) -> Freeze | None:
    """Who froze the fleet, and why; None while it is not."""
    entry = store.get(FREEZE_KEY)
    return None if entry is None else _freeze(entry)


def check_thawed(store: Store) -> None:
    """Raise `Frozen` while nobody publishes."""
    freeze = freeze_of(store)
    if freeze is not None:
        raise Frozen(freeze)


def _freeze(entry: Entry) -> Freeze:
    try:
        return msgspec.json.decode(entry.value, type=Freeze)
    except ValueError:
        return Freeze(by="somebody", at=0.0, reason=f"{FREEZE_KEY} was written by hand")


def _date(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
