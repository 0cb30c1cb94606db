"""One code space for HTTP and RPC: what kinds of failure there are, and what a failure says."""

from enum import StrEnum
from typing import Any, Literal

from pie.model.foreign import describe_error, is_a, text_of

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


def _fits(code: int) -> bool:
    return -(2**63) <= code < 2**63


def is_sound(failure: Failure) -> bool:
    """Whether its parts are of their types, so that it can be recorded and sent.

    A service may raise a subclass of its own, or set parts to anything. Twin of ``outcome.c``.
    """
    try:
        return (
            type(failure.kind) is Kind
            and type(failure.message) is str
            and type(failure.code) is int
            and _fits(failure.code)
            and type(failure.raised_by) is str
            and type(failure.rule) is str
        )
    except BaseException:
        return False


def repaired(failure: Failure) -> Failure:
    """A plain failure with what is usable of another one; an unknown kind is ``internal``."""
    kind, code = _part(failure, "kind"), _part(failure, "code")
    kind = kind if type(kind) is Kind else _kind_named(kind)
    code = int.__add__(code, 0) if is_a(code, int) else None  # An HTTPStatus, say.
    if code is not None and not _fits(code):
        code = None
    message = _part(failure, "message")
    text = describe_error(failure) if message is None else text_of(message)
    raised_by = _part(failure, "raised_by")
    if raised_by not in ("self", "peer", "framework"):
        raised_by = "self"
    made = Failure(kind, text, code=code, raised_by=raised_by, rule=text_of(_part(failure, "rule")))
    made.__cause__ = failure
    return made


def _part(failure: Failure, name: str) -> Any:
    """An attribute; a text is an exact ``str``; None where it cannot be had."""
    try:
        value = getattr(failure, name)
    except BaseException:
        return None
    return text_of(value) if is_a(value, str) and type(value) is not Kind else value


def _kind_named(name: object) -> Kind:
    return Kind(name) if type(name) is str and name in _HTTP_STATUS else Kind.INTERNAL
