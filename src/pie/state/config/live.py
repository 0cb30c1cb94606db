"""The configuration of this process: what is in force, which types the code expects, who watches.

Reads are a look into a dictionary. All else (a first read, a new version, a schema) runs under one
lock. A version is put in force whole or not at all: a value that it changes, and that does not fit
what the code expects, keeps the last good version in force.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from pie.model import Resident, after_fork
from pie.state.config.shape import Shape, shape_of

_log = logging.getLogger("pie.config")
UNSET: Final[Any] = object()
MAX_KNOWN = 10_000
"""Keys whose reads are remembered; names made of users' input must not fill the memory."""
MAX_DESCRIBED = 500
"""Keys that a process reports."""
_PLAIN: Final = frozenset({bool, int, float, str})
"""Types whose values need no copy for each reader."""

Callback = Callable[[Any], object]


class Known(NamedTuple):
    """What the code expects under a key."""

    kind: Any
    default: Any
    shape: Shape
    decode: Callable[[bytes], Any]
    declared: bool
    """By a schema, which counts for more than a read."""


class Watcher:
    """One callback. ``close`` ends it."""

    def __init__(self, live: "LiveConfig", key: str, callback: Callback) -> None:
        self._live = live
        self.key = key
        self.callback = callback
        self.seen: bytes | None = None

    def close(self) -> None:
        """Call back no more."""
        self._live.forget(self)


class LiveConfig:
    """The values in force in this process.

    Attributes:
        ready: what plain reads find: by key the type of the default with which it is read, and the
            value; ``UNSET`` where the reader's own default holds.
        version: of the document in force; 0 = none.
        trouble: why a newer one is not in force, or a value is not used; by key.
    """

    def __init__(self) -> None:
        self.ready: dict[str, tuple[type, Any]] = {}
        self.version = 0
        self.trouble: dict[str, str] = {}
        self._values: dict[str, bytes] = {}
        self._tests: dict[str, bytes] = {}
        self._known: dict[str, Known] = {}
        self._expected: dict[str, Shape] = {}
        self._refused: tuple[int, dict[str, bytes]] | None = None
        self._renewers: list[Callable[[], None]] = []
        self._watchers: list[Watcher] = []
        self._load: Callable[[], None] | None = None
        self._troubled: Callable[[], None] | None = None
        self._begin()
        after_fork(self._begin)

    def _begin(self) -> None:
        self._lock = threading.RLock()  # A finalizer that runs meanwhile may read a value.
        self._thread: Resident | None = None
        self.ready.clear()  # So that the first read of a child begins to follow.

    # -- the code's side ----------------------------------------------------------------------

    def resolve(self, key: str, default: Any) -> Any:
        """The value of a key, of the type of the default; None as the default takes any value."""
        self._ensure_loaded()
        kind = Any if default is None else type(default)
        with self._lock:
            known = self._known.get(key)
            if known is None or (known.kind is not kind and not known.declared):
                known = self._learn(key, kind, default, declared=False)
            elif known.kind is not kind:
                known = _known(kind, default, declared=False)  # A schema says otherwise: it stays.
            value = self._decoded(key, known)
            plain = type(default) if default is None or kind in _PLAIN else None
            if plain is not None and key in self._known and (value is UNSET or _is_plain(value)):
                self.ready[key] = plain, value
        return default if value is UNSET else value

    def declare(self, fields: Mapping[str, tuple[Any, Any]], renew: Callable[[], None]) -> None:
        """Declare the types and defaults of keys; ``renew`` is called after each change.

        Raises:
            TypeError: a type is none that a configuration can hold.
        """
        self._ensure_loaded()
        with self._lock:
            for key, (kind, default) in fields.items():
                self._learn(key, kind, default, declared=True)
            self._renewers.append(renew)
            self.ready.clear()
            renew()

    def value(self, key: str) -> Any:
        """The value of a declared key."""
        with self._lock:
            known = self._known[key]
            value = self._decoded(key, known)
            return known.default if value is UNSET else value

    def watch(self, key: str, callback: Callback) -> Watcher:
        """Call back with the new value after each change of a key's value."""
        self._ensure_loaded()
        watcher = Watcher(self, key, callback)
        with self._lock:
            watcher.seen = self._raw(key)
            self._watchers.append(watcher)
        return watcher

    def forget(self, watcher: Watcher) -> None:
        """Call a watcher back no more."""
        with self._lock:
            if watcher in self._watchers:
                self._watchers.remove(watcher)

    def override(self, values: Mapping[str, Any]) -> Callable[[], None]:
        """Put values of a test in front of all others; returns what takes them away again.

        Raises:
            ValueError: a value does not fit what the code expects.
        """
        raw = {key: msgspec.json.encode(value) for key, value in values.items()}
        with self._lock:
            for key, why in self._objections(raw, {}).items():
                raise ValueError(f"{key}: {why}")
            before = dict(self._tests)
            self._tests |= raw
            self._renew()
        self._call_back()

        def restore() -> None:
            with self._lock:
                self._tests = before
                self._renew()
            self._call_back()

        return restore

    # -- the store's side ---------------------------------------------------------------------

    def bind(
        self, load: Callable[[], None] | None, troubled: Callable[[], None] | None = None
    ) -> None:
        """Have the values from a source: ``load`` is called before a first read, and may wait;
        ``troubled`` after a read found a trouble. None = there is no source; what is in force is
        forgotten."""
        with self._lock:
            self._load, self._troubled = load, troubled
            if load is None:
                self.version, self._values, self._refused = 0, {}, None
                self._expected, self.trouble = {}, {}
            self._renew()
            declared = bool(self._renewers)
        if declared:
            self._ensure_loaded()  # Values of a schema are read from its class: nobody asks here.

    def expect(self, shapes: Mapping[str, Shape]) -> None:
        """What an earlier run of the code expected, until the code itself says it."""
        with self._lock:
            self._expected = dict(shapes)

    def offer(self, version: int, values: Mapping[str, Any]) -> bool:
        """Put a version in force, unless a value that it changes does not fit."""
        raw = {key: msgspec.json.encode(value) for key, value in values.items()}
        with self._lock:
            return self._offer(version, raw)

    def description(self) -> dict[str, Shape]:
        """What the code expects, by key: declared or read so far; the first ``MAX_DESCRIBED``."""
        with self._lock:
            ordered = sorted(self._known.items(), key=lambda each: not each[1].declared)
            return {key: known.shape for key, known in ordered[:MAX_DESCRIBED]}

    def secrets(self) -> frozenset[str]:
        """Keys that the code declares secret."""
        with self._lock:
            return frozenset(key for key, known in self._known.items() if known.shape.secret)

    # -- under the lock -----------------------------------------------------------------------

    def _offer(self, version: int, raw: dict[str, bytes]) -> bool:
        wrong = self._objections(raw, self._values)
        if wrong:
            self._refused = version, raw
            self.trouble = {key: f"v{version} is not in force: {why}" for key, why in wrong.items()}
            _log.error(
                "config v%d is not in force, v%d stays: %s; publish a version with values that fit",
                *(version, self.version, "; ".join(f"{k}: {why}" for k, why in wrong.items())),
            )
            return False
        self.version, self._values, self._refused, self.trouble = version, raw, None, {}
        self._renew()
        self._wake()
        return True

    def _objections(self, raw: Mapping[str, bytes], now: Mapping[str, bytes]) -> dict[str, str]:
        found = {}
        for key, value in raw.items():
            if value != now.get(key):
                why = self._objection(key, value)
                if why:
                    found[key] = why
        return found

    def _objection(self, key: str, value: bytes) -> str:
        known = self._known.get(key)
        if known is not None:
            return _why_not(known, value)
        shape = self._expected.get(key)
        if shape is None:
            return ""
        why = shape.objection(msgspec.json.decode(value))
        return "it does not fit" if why and shape.secret else why

    def _learn(self, key: str, kind: Any, default: Any, *, declared: bool) -> Known:
        known = _known(kind, default, declared=declared)
        if declared or len(self._known) < MAX_KNOWN:
            self._known[key] = known
            if self._expected.pop(key, None) is not None and self._refused is not None:
                self._offer(*self._refused)  # The code may have changed together with its config.
        return known

    def _raw(self, key: str) -> bytes | None:
        found = self._tests.get(key)
        return self._values.get(key) if found is None else found

    def _decoded(self, key: str, known: Known) -> Any:
        raw = self._raw(key)
        if raw is None:
            return UNSET
        try:
            return known.decode(raw)
        except msgspec.MsgspecError:
            why = f"v{self.version}: {_why_not(known, raw)}: the default of the code is used"
            if self.trouble.get(key) != why:
                self.trouble[key] = why
                _log.error("config %s: %s", key, why)
                if self._troubled is not None:
                    self._troubled()
            return UNSET

    def _renew(self) -> None:
        self.ready.clear()
        for renew in self._renewers:
            renew()

    def _ensure_loaded(self) -> None:
        load = self._load
        if load is not None:
            load()

    # -- callbacks ----------------------------------------------------------------------------

    def _wake(self) -> None:
        if not self._watchers:
            return
        if self._thread is None:
            self._thread = Resident("pie-config", self._call_back, _log)
            self._thread.start()
        self._thread.wake()

    def _call_back(self) -> float:
        for watcher, value in self._changed():
            try:
                watcher.callback(value)
            except Exception:
                _log.exception("a callback of config.watch(%r) failed", watcher.key)
        return threading.TIMEOUT_MAX

    def _changed(self) -> Iterable[tuple[Watcher, Any]]:
        with self._lock:
            found = []
            for watcher in self._watchers:
                raw = self._raw(watcher.key)
                if raw == watcher.seen:
                    continue
                watcher.seen = raw
                known = self._known.get(watcher.key) or _known(Any, None, declared=False)
                value = self._decoded(watcher.key, known)
                found.append((watcher, known.default if value is UNSET else value))
            return found


def _known(kind: Any, default: Any, *, declared: bool) -> Known:
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(kind)
    return Known(kind, default, shape_of(kind, default), decoder.decode, declared)


def _why_not(known: Known, value: bytes) -> str:
    """Why a value does not fit; empty when it does. The text of a secret shows nothing of it."""
    why = known.shape.objection(msgspec.json.decode(value))
    if not why:
        try:
            known.decode(value)
        except msgspec.MsgspecError as error:
            why = str(error)
    return "it does not fit" if why and known.shape.secret else why


def _is_plain(value: Any) -> bool:
    return value is None or type(value) in _PLAIN


LIVE: Final = LiveConfig()
"""Of this process."""
