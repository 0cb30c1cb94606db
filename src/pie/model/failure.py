"""One code space for HTTP and RPC: what kinds of failure there are, and what a failure says."""

from enum import StrEnum
from typing import Literal

BUSINESS_CODE_MIN = 1000
"""Codes from here up are the service's own; below stand Pie's, equal to the HTTP status."""

RaisedBy = Literal["self", "peer", "framework"]


class Kind(StrEnum):
    """Why a call failed, in the field's canonical terms."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    DENIED = "denied"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    EXHAUSTED = "exhausted"
    CANCELLED = "cancelled"
    INTERNAL = "internal"
    UNKNOWN = "unknown"
    UNIMPLEMENTED = "unimplemented"
    UNAVAILABLE = "unavailable"
    DEADLINE = "deadline"
    BUSINESS = "business"

    @property
    def http_status(self) -> int:
        """The HTTP status that says the same."""
        return _HTTP_STATUS[self]

    @classmethod
    def of_http_status(cls, status: int) -> "Kind":
        """The kind an HTTP status of 400 or more stands for."""
        exact = _OF_STATUS.get(status)
        if exact is not None:
            return exact
        return cls.INVALID if status < 500 else cls.INTERNAL


_HTTP_STATUS = {
    Kind.INVALID: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.DENIED: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.EXHAUSTED: 429,
    Kind.CANCELLED: 499,
    Kind.INTERNAL: 500,
    Kind.UNKNOWN: 500,
    Kind.UNIMPLEMENTED: 501,
    Kind.UNAVAILABLE: 503,
    Kind.DEADLINE: 504,
    Kind.BUSINESS: 200,
}
_OF_STATUS = {
    status: kind
    for kind, status in _HTTP_STATUS.items()
    if kind not in (Kind.UNKNOWN, Kind.BUSINESS)
}


class Failure(Exception):
    """A call that did not give its caller what it asked for.

    Args:
        kind: the canonical reason.
        message: what happened, where, and what to do; shown to people.
        code: the number peers see; the kind's HTTP status unless the service has its own.
        raised_by: ``self`` (this service's code), ``peer`` (the other side answered so) or
            ``framework`` (Pie here).
        never_sent: the peer cannot have seen the request, so sending it elsewhere is safe.
        rule: the governance rule and version that rejected the call, if one did.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        code: int | None = None,
        raised_by: RaisedBy = "framework",
        never_sent: bool = False,
        rule: str = "",
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.code = kind.http_status if code is None else code
        self.raised_by: RaisedBy = raised_by
        self.never_sent = never_sent
        self.rule = rule

    def __repr__(self) -> str:
        return f"Failure({self.kind}, {self.code}, {self.message!r}, by {self.raised_by})"
