"""The messages of the state store over HTTP: JSON requests and replies, NDJSON for a watch."""

from typing import Annotated

import msgspec

from pie.state.store.interface import (
    MAX_KEY,
    MAX_LEASES_PER_CALL,
    MAX_PREFIXES,
    MAX_WRITES,
    Batch,
    Compacted,
    Conflict,
    Denied,
    Entry,
    Event,
    Forbidden,
    Held,
    Invalid,
    LeaseGone,
    LimitExceeded,
    Range,
    Refused,
    StoreAway,
    StoreError,
    Write,
)

PATH = "/api/state"
NDJSON = "application/x-ndjson"
MAX_REQUEST = 8 << 20
"""Bytes: a value of 1 MiB whose every character JSON had to escape, and room."""
MAX_RANGES = 1000
"""Prefixes of one ``ranges``."""
MAX_LIMITS = 500
"""Limits of one group in ``shares``."""
MAX_GROUPS = 20
MAX_CLUSTERS = 4096
MAX_REPLY = 64 << 20
MAX_LINE = 16 << 20
HEARTBEAT_S = 2.0
PATIENCE_S = 7.0
"""A watch without a line for so long is dead: three heartbeats and some delay."""

Key = Annotated[str, msgspec.Meta(max_length=MAX_KEY)]
Lease = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
Revision = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]


class KeyRequest(msgspec.Struct):
    """Body of ``get``."""

    key: Key


class GetReply(msgspec.Struct):
    """Answer to ``get``."""

    entry: Entry | None


class RangeRequest(msgspec.Struct):
    """Body of ``range``; the answer is a `Range`."""

    prefix: Key


class RangesRequest(msgspec.Struct):
    """Body of ``ranges``."""

    prefixes: Annotated[list[Key], msgspec.Meta(max_length=MAX_RANGES)]


class RangesReply(msgspec.Struct, omit_defaults=True):
    """Answer to ``ranges``; it may lack prefixes that would make it too large: ask again."""

    found: dict[str, Range]
    refused: "tuple[RefusedPrefix, ...]" = ()


class PutRequest(msgspec.Struct, omit_defaults=True):
    """Body of ``put``."""

    key: Key
    value: str
    lease: Lease = 0
    expect: Revision | None = None
    claim: bool = False
    heir_of: Lease = 0


class DeleteRequest(msgspec.Struct, omit_defaults=True):
    """Body of ``delete``."""

    key: Key
    expect: Revision | None = None


class CommitRequest(msgspec.Struct, omit_defaults=True):
    """Body of ``commit``."""

    writes: Annotated[list[Write], msgspec.Meta(max_length=MAX_WRITES)]
    expect: Annotated[dict[Key, Revision], msgspec.Meta(max_length=MAX_WRITES)] = {}


class Done(msgspec.Struct):
    """Answer to ``put``, ``delete`` and ``commit``; 0 = there was nothing to delete."""

    revision: int


class GrantRequest(msgspec.Struct):
    """Body of ``grant``; seconds."""

    ttl: float


class LeaseMessage(msgspec.Struct):
    """Answer to ``grant``, body of ``revoke`` (whose answer is ``{}``)."""

    lease: Lease


class KeepAliveRequest(msgspec.Struct):
    """Body of ``keep_alive``; the answer is a `Kept`."""

    leases: Annotated[list[Lease], msgspec.Meta(max_length=MAX_LEASES_PER_CALL)]


class SharedLimit(msgspec.Struct):
    """A limit of a whole service, at one process, as parts of that limit.

    Attributes:
        key: stands for rule, caller and method.
        wants: the calls that came.
        has: the part that the process has now; 0 = its equal one.
    """

    key: Annotated[str, msgspec.Meta(max_length=64)]
    wants: Annotated[float, msgspec.Meta(ge=0)]
    has: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0


class SharedLimits(msgspec.Struct):
    """The limits of rules for the same clusters, and how many live instances these have."""

    clusters: Annotated[str, msgspec.Meta(max_length=MAX_CLUSTERS)]
    peers: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
    limits: Annotated[list[SharedLimit], msgspec.Meta(max_length=MAX_LIMITS)] = []


class SharesRequest(msgspec.Struct):
    """Body of ``shares``: what a process is asked for."""

    psm: Key
    instance: Annotated[str, msgspec.Meta(max_length=256)]
    process: Annotated[str, msgspec.Meta(max_length=256)]
    groups: Annotated[list[SharedLimits], msgspec.Meta(max_length=MAX_GROUPS)]


class SharesReply(msgspec.Struct):
    """Answer to ``shares``: its parts, in the order of the request, for how many seconds they hold,
    and when to ask again."""

    parts: list[list[float]]
    lasts: float
    again: float


class WatchRequest(msgspec.Struct, omit_defaults=True):
    """Body of ``watch``; the answer is a stream of `Line`."""

    prefix: Key
    after: Revision | None = None


class StreamRequest(msgspec.Struct):
    """Body of ``stream``: the known revision by prefix; the answer is a stream of `Line`."""

    prefixes: Annotated[dict[Key, Revision], msgspec.Meta(max_length=MAX_PREFIXES)]


class Empty(msgspec.Struct):
    """``{}``."""


class ErrorBody(msgspec.Struct, omit_defaults=True):
    """An error, in the form that the whole platform uses."""

    code: int
    kind: str
    message: str
    revision: int = 0
    key: str = ""


class ErrorReply(msgspec.Struct):
    """Body of every answer that is not 200."""

    error: ErrorBody


class RefusedPrefix(msgspec.Struct):
    """A prefix that a stream does not follow."""

    prefix: str
    error: ErrorBody


class Line(msgspec.Struct, omit_defaults=True):
    """One line of a watch or stream: a batch, a heartbeat (no events), or the error that ends it.

    ``refused`` stands in a stream's first line.
    """

    revision: int
    events: tuple[Event, ...] = ()
    error: ErrorBody | None = None
    refused: tuple[RefusedPrefix, ...] = ()


_ERRORS = (
    Invalid, Denied, Forbidden, LeaseGone, Conflict, Held, Compacted, LimitExceeded, StoreAway
)  # fmt: skip
KINDS: dict[str, type[StoreError]] = {kind.kind: kind for kind in _ERRORS}
"""The errors of a store by the name that the wire carries."""


def error_body(error: StoreError) -> ErrorBody:
    """An error as the wire carries it."""
    return ErrorBody(error.code, error.kind, error.message, error.revision, error.key)


def line_of(batch: Batch) -> Line:
    """The line that carries a batch."""
    return Line(batch.revision, batch.events, None, refused_prefixes(batch.refused))


def refused_prefixes(refused: tuple[Refused, ...]) -> tuple[RefusedPrefix, ...]:
    """Refused prefixes as the wire carries them."""
    return tuple(RefusedPrefix(each.prefix, error_body(each.error)) for each in refused)


def batch_of(line: Line) -> Batch:
    """The batch that a line carries."""
    refused = tuple(Refused(each.prefix, error_of(each.error)) for each in line.refused)
    return Batch(line.events, line.revision, refused)


def error_of(body: ErrorBody) -> StoreError:
    """The error that a body stands for; `StoreAway` for a kind that this version does not know."""
    return KINDS.get(body.kind, StoreAway)(body.message, revision=body.revision, key=body.key)
