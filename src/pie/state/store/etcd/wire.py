"""The messages of etcd's v3 JSON gateway that Pie uses.

Field names are those of etcd's ``rpc.proto``. Bytes are base64; a 64-bit number comes as a string
and may be sent as a number. What is at its default is left out, in both directions.
"""

import msgspec

LEASE_EXISTS = "etcdserver: lease already exists"
LEASE_GONE = "etcdserver: requested lease not found"
NO_SPACE = "etcdserver: mvcc: database space exceeded"
COMPACTED = "etcdserver: mvcc: required revision has been compacted"
TOO_LARGE = "etcdserver: request is too large"


class Header(msgspec.Struct):
    """What every answer says of the cluster."""

    cluster_id: int = 0
    member_id: int = 0
    revision: int = 0
    raft_term: int = 0


class KeyValue(msgspec.Struct):
    """A key; of a delete event only the key and the revision."""

    key: bytes = b""
    value: bytes = b""
    create_revision: int = 0
    mod_revision: int = 0
    lease: int = 0


class RangeRequest(msgspec.Struct, omit_defaults=True):
    """``/v3/kv/range``"""

    key: bytes
    range_end: bytes = b""
    limit: int = 0
    revision: int = 0
    count_only: bool = False


class RangeReply(msgspec.Struct):
    """Its answer; ``more`` if the limit cut it off."""

    header: Header
    kvs: list[KeyValue] = []
    more: bool = False
    count: int = 0


class PutRequest(msgspec.Struct, omit_defaults=True):
    """One put of a transaction."""

    key: bytes
    value: bytes
    lease: int = 0


class DeleteRequest(msgspec.Struct):
    """One delete of a transaction."""

    key: bytes


class DeleteReply(msgspec.Struct):
    """Its answer."""

    deleted: int = 0


class Compare(msgspec.Struct):
    """The key must be at this revision; 0 = absent."""

    key: bytes
    mod_revision: int
    target: str = "MOD"
    result: str = "EQUAL"


class RequestOp(msgspec.Struct, omit_defaults=True):
    """One of them."""

    request_put: PutRequest | None = None
    request_delete_range: DeleteRequest | None = None
    request_range: RangeRequest | None = None


class ResponseOp(msgspec.Struct):
    """Its answer; a put's has nothing that Pie needs."""

    response_range: RangeReply | None = None
    response_delete_range: DeleteReply | None = None


class TxnRequest(msgspec.Struct):
    """``/v3/kv/txn``: ``success`` if all of ``compare`` hold, else ``failure``."""

    compare: list[Compare]
    success: list[RequestOp]
    failure: list[RequestOp]


class TxnReply(msgspec.Struct):
    """Its answer."""

    header: Header
    succeeded: bool = False
    responses: list[ResponseOp] = []


class Lease(msgspec.Struct):
    """A lease by its number: to revoke, keep alive, or ask about."""

    ID: int


class GrantRequest(msgspec.Struct):
    """``/v3/lease/grant``; whole seconds."""

    ID: int
    TTL: int


class LeaseReply(msgspec.Struct):
    """A lease as it stands; a ``TTL`` below 1 of one that is gone."""

    ID: int = 0
    TTL: int = 0
    grantedTTL: int = 0  # noqa: N815 - etcd's name


class WatchCreate(msgspec.Struct):
    """A watch from a revision on."""

    key: bytes
    range_end: bytes
    start_revision: int
    fragment: bool = True


class WatchRequest(msgspec.Struct):
    """``/v3/watch``"""

    create_request: WatchCreate


class WatchEvent(msgspec.Struct):
    """A change; ``type`` is left out for a put."""

    kv: KeyValue
    type: str = "PUT"


class WatchReply(msgspec.Struct):
    """One message of a watch; the events of one revision are only split by ``fragment``."""

    header: Header
    created: bool = False
    canceled: bool = False
    compact_revision: int = 0
    cancel_reason: str = ""
    fragment: bool = False
    events: list[WatchEvent] = []


class Empty(msgspec.Struct):
    """``{}``, or an answer of which nothing matters."""


class CompactRequest(msgspec.Struct):
    """``/v3/kv/compaction``"""

    revision: int


class StatusReply(msgspec.Struct):
    """``/v3/maintenance/status``: one member's; sizes in bytes."""

    header: Header
    version: str = ""
    dbSize: int = 0  # noqa: N815 - etcd's name
    dbSizeInUse: int = 0  # noqa: N815 - etcd's name
    leader: int = 0


class AlarmRequest(msgspec.Struct):
    """``/v3/maintenance/alarm``"""

    action: str = "GET"


class Alarm(msgspec.Struct):
    """An alarm that a member raised: ``NOSPACE`` or ``CORRUPT``."""

    memberID: int = 0  # noqa: N815 - etcd's name
    alarm: str = "NONE"


class AlarmReply(msgspec.Struct):
    """The alarms of the cluster."""

    alarms: list[Alarm] = []


class LoginRequest(msgspec.Struct):
    """``/v3/auth/authenticate``"""

    name: str
    password: str


class LoginReply(msgspec.Struct):
    """Its answer."""

    token: str = ""


class ErrorReply(msgspec.Struct):
    """An answer that is not 200; ``code`` is gRPC's."""

    error: str = ""
    message: str = ""
    code: int = 0


def end_of(prefix: bytes) -> bytes:
    """Where the keys that start with a prefix end: its last byte plus one, as etcd counts them."""
    return prefix[:-1] + bytes([prefix[-1] + 1])
