"""Where search tasks are kept: desired state, a key for the task and one for its result."""

import base64
import json
import time
import zlib

import msgspec

from pie.platform.pages.logs.tasks.views import Task
from pie.platform.pages.logs.views import Histogram, Line
from pie.state import Conflict, Store, Write
from pie.state.events import ChangeEvent, new_event_id, outbox

KEPT_TASKS = 500
KEPT_BYTES = 48 << 20
"""Of all results together: the store is in memory, and watched by others."""

_PREFIX = "/pie/search/"
_NEXT = f"{_PREFIX}next"
_TASKS = f"{_PREFIX}tasks/"
_RESULTS = f"{_PREFIX}results/"


class Result(msgspec.Struct):
    """What is kept of a task's answer."""

    lines: list[Line] = []
    levels: dict[str, int] = {}
    histogram: Histogram | None = None
    truncated: bool = False


class Kept(msgspec.Struct):
    """A task as it is stored. ``runs`` counts how often it was begun, ``size`` its result."""

    task: Task
    runs: int = 0
    size: int = 0


_encode = msgspec.json.Encoder().encode
_decode_kept = msgspec.json.Decoder(Kept).decode
_decode_result = msgspec.json.Decoder(Result).decode


class TaskStore:
    """Reads and writes tasks; every method may block and raises ``StoreError`` of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def new_id(self) -> int:
        """A number above all before it, also when others take numbers at the same time."""
        while True:
            entry = self._store.get(_NEXT)
            number = int(entry.value) + 1 if entry is not None else 1
            try:
                self._store.put(_NEXT, str(number), expect=entry.mod_revision if entry else 0)
            except Conflict:
                continue
            return number

    def all(self) -> list[Kept]:
        """Every task, oldest first; what cannot be read is left out."""
        found = []
        for entry in self._store.range(_TASKS).entries:
            kept = _read(entry.value)
            if kept is not None:
                found.append(kept)
        return found

    def get(self, number: int) -> Kept | None:
        """The task of a number."""
        entry = self._store.get(_key(_TASKS, number))
        return None if entry is None else _read(entry.value)

    def put(self, kept: Kept) -> None:
        """Write a task."""
        self._store.put(_key(_TASKS, kept.task.id), _encode(kept).decode())

    def put_result(self, number: int, result: Result) -> int:
        """Write a result; how many characters it takes."""
        packed = base64.b64encode(zlib.compress(_encode(result), 6)).decode()
        self._store.put(_key(_RESULTS, number), packed)
        return len(packed)

    def result(self, number: int) -> Result | None:
        """The result of a task, None when there is none."""
        entry = self._store.get(_key(_RESULTS, number))
        if entry is None:
            return None
        try:
            return _decode_result(zlib.decompress(base64.b64decode(entry.value)))
        except (ValueError, zlib.error):
            return None

    def delete(self, kept: Kept, by: str) -> None:
        """Delete a task and its result, as a person asks."""
        self._store.commit([*_deletes(kept), outbox(_deleted(kept.task, by))])

    def prune(self) -> None:
        """Delete the oldest ended tasks beyond the bounds."""
        kept = self.all()
        size = sum(each.size for each in kept)
        count = len(kept)
        for each in kept:
            if count <= KEPT_TASKS and size <= KEPT_BYTES:
                return
            if each.task.state != "running":
                self._store.commit(_deletes(each))
                count -= 1
                size -= each.size


def _deletes(kept: Kept) -> list[Write]:
    number = kept.task.id
    return [Write(_key(_RESULTS, number), None), Write(_key(_TASKS, number), None)]


def _deleted(task: Task, by: str) -> ChangeEvent:
    before = {"name": task.name, "type": task.type, "operator": task.operator}
    return ChangeEvent(
        id=new_event_id(),
        at=time.time(),
        kind="task",
        subject=f"task/{task.id}",
        person=by,
        before=json.dumps(before, ensure_ascii=False),
    )


def _key(prefix: str, number: int) -> str:
    return f"{prefix}{number:012d}"  # padded, so that keys are in the order of numbers


def _read(value: str) -> Kept | None:
    try:
        return _decode_kept(value)
    except msgspec.MsgspecError:
        return None
