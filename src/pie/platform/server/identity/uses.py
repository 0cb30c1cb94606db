"""When tokens were used last, to the hour: one write an hour for a person, not one a request."""

import asyncio

import msgspec
from starlette.concurrency import run_in_threadpool

from pie.platform.server.identity.mirror import PeopleMirror
from pie.platform.server.identity.record import PREFIX, key_of
from pie.state import Conflict, Entry, Store

USES_PREFIX = "/pie/people-used/"
_EVERY_S = 60.0
_HOUR = 3600

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, int]).decode


class TokenUses:
    """Keeps the last use of each token; of several platforms, the latest one counts.

    Args:
        store: desired state.
        people: knows the uses of this platform.
    """

    def __init__(self, store: Store, people: PeopleMirror) -> None:
        self._store = store
        self._people = people

    async def run(self) -> None:
        """Write what is new every minute, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)
            await run_in_threadpool(self.flush)

    def flush(self) -> None:
        """Write the uses since the last time; raises ``StoreError``."""
        by_person: dict[str, dict[str, int]] = {}
        for (name, token_id), at in self._people.take_uses().items():
            by_person.setdefault(name, {})[token_id] = int(at) // _HOUR * _HOUR
        for name, used in by_person.items():
            self._note(name, used)

    def all(self) -> dict[str, dict[str, int]]:
        """Unix seconds of the hour of the last use, by the id of the token, by the person's key."""
        entries = self._store.range(USES_PREFIX).entries
        return {PREFIX + entry.key.removeprefix(USES_PREFIX): _read(entry) for entry in entries}

    def _note(self, name: str, used: dict[str, int]) -> None:
        key = USES_PREFIX + key_of(name).removeprefix(PREFIX)
        while True:
            entry = self._store.get(key)
            before = _read(entry)
            wanted = {each: max(at, before.get(each, 0)) for each, at in used.items()}
            kept = {each: at for each, at in before.items() if self._people.by_session(name, each)}
            if {**before, **wanted} == before:
                return
            value = _encode({**kept, **wanted}).decode()
            try:
                self._store.put(key, value, expect=entry.mod_revision if entry else 0)
            except Conflict:
                continue  # another platform was faster: look again
            return


def _read(entry: Entry | None) -> dict[str, int]:
    try:
        return _decode(entry.value) if entry is not None else {}
    except msgspec.MsgspecError:
        return {}
