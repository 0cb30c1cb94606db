"""The watched key-value interface that holds the fleet's desired state.

The semantics are etcd v3's: one global revision that only grows, compare-and-set on a key's last
revision, a watch that replays from a revision, leases whose end deletes their keys as ordinary
delete events. So an etcd backend fits behind it without moving a caller.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType, TracebackType
from typing import ClassVar, Literal, NamedTuple, Self

import msgspec

MAX_KEY = 512
MAX_VALUE = 1 << 20
MAX_LEASES_PER_CALL = 10_000
MAX_PREFIXES = 10_000
"""Of one stream."""
MAX_WRITES = 100
"""Of one commit; and as many expectations."""
MAX_COMMIT = 1 << 20
"""Bytes of the keys and values of one commit."""
MIN_TTL = 0.1
MAX_TTL = 86_400.0
NOTHING_EXPECTED: Mapping[str, int] = MappingProxyType({})


class Entry(msgspec.Struct, frozen=True):
    """A key as it stands. ``lease`` is 0 for a key that stays until it is deleted."""

    key: str
    value: str
    create_revision: int
    mod_revision: int
    lease: int = 0


class Write(msgspec.Struct, frozen=True, omit_defaults=True):
    """One change of a commit: a put, or with ``value`` None a delete."""

    key: str
    value: str | None
    lease: int = 0


class Event(msgspec.Struct, frozen=True):
    """One change. A delete has an empty ``value`` and the lease the key had."""

    kind: Literal["put", "delete"]
    key: str
    value: str
    revision: int
    lease: int = 0


class Range(msgspec.Struct, frozen=True):
    """All entries under a prefix, sorted by key, as they stood at ``revision``."""

    entries: tuple[Entry, ...]
    revision: int


class Batch(NamedTuple):
    """What a watch saw, in order: every event of its prefixes up to ``revision``.

    ``revision`` is therefore the point to watch after when the watch breaks. ``events`` is empty
    in a heartbeat. The events of one revision are never split over two batches. ``refused`` names
    the prefixes of a stream that it does not follow, with the reason.
    """

    events: tuple[Event, ...]
    revision: int
    refused: "tuple[Refused, ...]" = ()


class Kept(msgspec.Struct, frozen=True):
    """Which leases of a keep-alive live on for a full TTL, and which are gone for good.

    ``keys`` says how many keys each of those alive has: a key that somebody else deleted or took
    over is its lease's no more. Empty from a platform that does not say it.
    """

    alive: tuple[int, ...]
    missing: tuple[int, ...]
    keys: tuple[int, ...] = ()


class StoreError(Exception):
    """Base of every error a store raises. ``code`` and ``kind`` are what the wire carries."""

    code: ClassVar[int] = 500
    kind: ClassVar[str] = "internal"

    def __init__(self, message: str, *, revision: int = 0, key: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.revision = revision
        self.key = key


class Invalid(StoreError):
    """The request makes no sense: a bad key, TTL or argument."""

    code, kind = 400, "invalid"


class Denied(StoreError):
    """The store does not know this token, or the token may not do this."""

    code, kind = 401, "unauthenticated"


class Forbidden(StoreError):
    """The store knows this token, and the token may not do this."""

    code, kind = 403, "denied"


class LeaseGone(StoreError):
    """The lease ran out or was revoked: grant a new one and put its keys again."""

    code, kind = 404, "lease_gone"


class Conflict(StoreError):
    """``key`` is not at the expected revision; ``revision`` is where it is, 0 = it is absent."""

    code, kind = 409, "conflict"


class Held(StoreError):
    """The key is somebody else's, who renewed its lease not long ago, or wrote it to stay."""

    code, kind = 409, "held"


class Compacted(StoreError):
    """The history to replay is gone: range again, then watch after that range's revision.

    ``revision`` is the oldest revision one can still watch after.
    """

    code, kind = 410, "compacted"


class LimitExceeded(StoreError):
    """A bound of the store was reached: size of a value, of a batch, of the whole store."""

    code, kind = 413, "limit"


class StoreAway(StoreError):
    """The store cannot be reached, or cannot write. A change may or may not have happened."""

    code, kind = 503, "unavailable"


class Refused(NamedTuple):
    """A prefix that a stream does not follow; with `Compacted`, read its range and stream anew."""

    prefix: str
    error: StoreError


class Ranges(NamedTuple):
    """Many ranges, by prefix, and the prefixes that cannot be read."""

    found: dict[str, Range]
    refused: tuple[Refused, ...] = ()


class Watch(ABC):
    """An iterator of `Batch`. Closing it, from any thread, ends the iteration.

    Iterating raises `Compacted` for a reader so slow that history has moved past it, `StoreAway`
    when the store is lost.
    """

    def __iter__(self) -> Self:
        return self

    @abstractmethod
    def __next__(self) -> Batch: ...

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Store(ABC):
    """The backend-neutral face. Every method is thread-safe and raises only `StoreError`."""

    @abstractmethod
    def get(self, key: str) -> Entry | None:
        """The entry, or None if there is no such key."""

    @abstractmethod
    def range(self, prefix: str) -> Range:
        """Every entry whose key starts with ``prefix``, at one revision.

        Raises:
            LimitExceeded: the answer would be too large; ask for a narrower prefix.
        """

    def ranges(self, prefixes: Sequence[str]) -> Ranges:
        """The range of each prefix, each at a revision of its own; by few requests.

        A prefix that cannot be read is refused, and the others are read all the same.

        Raises:
            StoreAway: the store cannot be reached.
        """
        found: dict[str, Range] = {}
        refused: list[Refused] = []
        for prefix in prefixes:
            try:
                found[prefix] = self.range(prefix)
            except StoreAway:
                raise
            except StoreError as error:
                refused.append(Refused(prefix, error))
        return Ranges(found, tuple(refused))

    @abstractmethod
    def put(
        self,
        key: str,
        value: str,
        *,
        lease: int = 0,
        expect: int | None = None,
        claim: bool = False,
        heir_of: int = 0,
    ) -> int:
        """Write durably, return the change's revision. The key's former lease lets go of it.

        Args:
            key: starts with ``/``, at most 512 printable ASCII characters.
            value: at most 1 MiB as UTF-8.
            lease: the lease whose end deletes the key, 0 = none.
            expect: write only if the key's ``mod_revision`` is this; 0 = only if it is absent.
            claim: write only what nobody else holds: a key that is absent, of this lease, or of one
                that was not renewed for half of its TTL.
            heir_of: with ``claim``: another lease whose keys may be taken over, by who knows it.

        Raises:
            Conflict: the key is at another revision.
            Held: ``claim``, and somebody else holds the key.
            LeaseGone: there is no such lease.
            LimitExceeded: the value, or the store with it, would be too large.
        """

    @abstractmethod
    def delete(self, key: str, *, expect: int | None = None) -> int:
        """Delete, return the change's revision, 0 if there was no such key.

        Raises:
            Conflict: ``expect`` is given and the key is at another revision.
        """

    @abstractmethod
    def commit(
        self, writes: Sequence[Write], *, expect: Mapping[str, int] = NOTHING_EXPECTED
    ) -> int:
        """Make all changes durably at one revision, or none; return that revision.

        The events of a commit come in the order of its writes, and in one batch. A delete of an
        absent key changes nothing; 0 if no write changes anything.

        Args:
            writes: 1 to 100 of different keys; 1 MiB of keys and values at most.
            expect: the ``mod_revision`` at which a key must be, by key, 0 = it must be absent; at
                most 100, also of keys that are not written.

        Raises:
            Conflict: a key (``error.key``) is at another revision.
            LeaseGone: a write names a lease that is not there.
            LimitExceeded: the commit, or the store with it, would be too large.
        """

    @abstractmethod
    def grant(self, ttl: float) -> int:
        """A new lease that ends ``ttl`` seconds (0.1 to 86,400) after its last keep-alive.

        A backend may round up to whole seconds.
        """

    @abstractmethod
    def keep_alive(self, leases: Sequence[int]) -> Kept:
        """Give each lease a full TTL again; at most 10,000 in one call."""

    @abstractmethod
    def revoke(self, lease: int) -> None:
        """End a lease now, deleting its keys. A lease that is gone already is no error."""

    @abstractmethod
    def watch(self, prefix: str, *, after: int | None = None) -> Watch:
        """Every change under ``prefix`` with a revision above ``after`` (None = from now on).

        Raises:
            Compacted: the history since ``after`` is gone.
        """

    @abstractmethod
    def stream(self, prefixes: Mapping[str, int]) -> Watch:
        """Every change under any of many prefixes, each from a revision of its own on.

        A change under two of them comes once. A prefix that cannot be followed is `Refused` in the
        first batch, and the others are followed all the same. To add or remove prefixes, close
        the stream and open another one: the revisions see to it that no change is missed.

        Args:
            prefixes: the revision that is known, by prefix; at most 10,000.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of files and connections; watches end."""


def check_key(key: str) -> None:
    """Raise `Invalid` unless it is a key (or a prefix of keys)."""
    if not key.startswith("/") or len(key) > MAX_KEY or not (key.isascii() and key.isprintable()):
        raise Invalid(
            f"{key[:80]!r} is not a key: it starts with '/' and has at most {MAX_KEY} "
            "printable ASCII characters"
        )


def check_value(key: str, value: str) -> None:
    """Raise `LimitExceeded` for a value above 1 MiB, `Invalid` for one UTF-8 cannot carry."""
    try:
        size = len(value.encode())
    except UnicodeEncodeError as error:
        raise Invalid(f"the value of {key} is not Unicode text: {error}") from None
    if size > MAX_VALUE:
        raise LimitExceeded(
            f"the value of {key} has {size} bytes; the limit is {MAX_VALUE}: split it over keys"
        )


def check_commit(writes: Sequence[Write], expect: Mapping[str, int]) -> None:
    """Raise `LimitExceeded` for a commit that is too large, `Invalid` for one without sense."""
    if len(writes) > MAX_WRITES or len(expect) > MAX_WRITES:
        raise LimitExceeded(
            f"a commit of {len(writes)} writes with {len(expect)} expectations; the limit is "
            f"{MAX_WRITES} of each: split it"
        )
    if not writes:
        raise Invalid("a commit without a write")
    keys: set[str] = set()
    size = 0
    for write in writes:
        check_key(write.key)
        if write.key in keys:
            raise Invalid(f"a commit writes {write.key} twice: give its last value only")
        keys.add(write.key)
        size += len(write.key)
        if write.value is not None:
            check_value(write.key, write.value)
            size += len(write.value.encode())
    for key in expect:
        check_key(key)
    if size > MAX_COMMIT:
        raise LimitExceeded(
            f"a commit of {size} bytes; the limit is {MAX_COMMIT}: split it over several"
        )


def check_ttl(ttl: float) -> None:
    """Raise `Invalid` unless it is a lease's life in seconds."""
    if not MIN_TTL <= ttl <= MAX_TTL:
        raise Invalid(f"a lease of {ttl} s is not possible: {MIN_TTL} to {MAX_TTL:.0f} s are")


def check_prefixes(prefixes: Mapping[str, int]) -> None:
    """Raise `LimitExceeded` for a stream of too many prefixes, `Invalid` for one of none."""
    if len(prefixes) > MAX_PREFIXES:
        raise LimitExceeded(
            f"{len(prefixes)} prefixes in one stream; the limit is {MAX_PREFIXES}: open several"
        )
    if not prefixes:
        raise Invalid("a stream of no prefixes would never have news")


def check_batch(leases: Sequence[int]) -> None:
    """Raise `LimitExceeded` for a keep-alive of too many leases."""
    if len(leases) > MAX_LEASES_PER_CALL:
        raise LimitExceeded(
            f"{len(leases)} leases in one keep-alive; the limit is {MAX_LEASES_PER_CALL}: "
            "send several"
        )
