"""The Call: the one noun of Pie.

An HTTP request served, an RPC served, an RPC made, an HTTP request made: each is one Call.
Governance decides on Calls; observation turns them into facts.
"""

from typing import TYPE_CHECKING, Any, Self

from pie._core import native
from pie.model.failing import BUSINESS_FAILURE, counts_as_failure
from pie.model.failure import Failure, Kind, is_sound, repaired
from pie.model.fields import CallFields
from pie.model.foreign import describe_error, is_a, text_of, type_name

Fields = CallFields
if not TYPE_CHECKING and native is not None:
    Fields = native.CallFields


class Call(Fields):
    """Who asks whom for what, under which limits, and how it went.

    Times are seconds: ``start``, ``end`` and ``deadline`` on the monotonic clock, ``started`` on
    the wall clock. ``failure`` is None while the call runs and when it succeeded; a business code
    is not a failure, it stands in ``code`` alone. ``pie/model/fields.py`` describes the fields.
    """

    __slots__ = ()

    @property
    def duration(self) -> float:
        """Seconds from start to end."""
        return self.end - self.start

    @property
    def outcome(self) -> str:
        """``ok``, ``business`` (the callee's own non-zero code; ``business_failure`` if its service
        declares that code a failure), or the failure's kind."""
        if self.failure is not None:
            return self.failure.kind.value
        if self.code == 0:
            return "ok"
        return BUSINESS_FAILURE if counts_as_failure(self) else "business"

    def succeed(self, result: Any = None) -> None:
        """The call has its answer. The code and message of a failure before it are gone."""
        if self.failure is not None:
            self.failure, self.code, self.message = None, 0, ""
        self.result = result

    def business(self, code: int, message: str) -> None:
        """The callee answered with a business code of its own. 0 is success."""
        self.code = code
        self.message = message

    def fail(self, failure: Failure) -> None:
        """The call has no answer, for this reason."""
        self.failure = failure
        self.code = failure.code
        self.message = failure.message

    def as_attempt(self) -> "Call":
        """A Call for the attempt that just ended, to be recorded as a child of this one."""
        attempt = Call.__new__(Call)
        for name in CallFields.__slots__:
            setattr(attempt, name, getattr(self, name))
        attempt.span_id = self.wire_span_id
        attempt.parent_id = self.span_id
        attempt.attempt = self.attempts
        attempt.start = self.attempt_start
        attempt.started = self.started + (self.attempt_start - self.start)
        attempt.notes = []
        return attempt

    def next_attempt(self, wire_span_id: str) -> Self:
        """Forget the last attempt's outcome and take a new span on the wire."""
        self.attempts += 1
        if self.target is not None:
            self.tried = (*self.tried, self.target.id)
        self.wire_span_id = wire_span_id
        self.failure = None
        self.code = 0
        self.message = ""
        self.result = None
        self.gate = ""
        self.peer = ""
        self.version = ""
        self.target = None
        self.backward = {}
        return self

    def __repr__(self) -> str:
        return (
            f"<Call {self.side} {self.protocol} {self.caller or '?'} -> {self.callee}"
            f".{self.method} {self.outcome} {self.logid}/{self.span_id}>"
        )


def failure_of(error: BaseException, side: str = "") -> Failure:
    """The failure an exception stands for; exceptions Pie does not know are ``internal``.

    Never raises, whatever the exception's own methods do.

    Args:
        error: what ended the call.
        side: of the call. While one is *made*, ``SystemExit`` and ``KeyboardInterrupt`` cancel it;
            out of the code that *serves* one, they are its errors like any other.
    """
    if is_a(error, Failure):
        return error if is_sound(error) else repaired(error)
    if is_a(error, TimeoutError):
        return Failure(Kind.DEADLINE, text_of(error) or "timed out", raised_by="self")
    ends = is_a(error, SystemExit) or is_a(error, KeyboardInterrupt)
    if not is_a(error, Exception) and not (ends and side == "server"):
        return Failure(Kind.CANCELLED, f"cancelled by {type_name(error)}", raised_by="self")
    return Failure(Kind.INTERNAL, describe_error(error), raised_by="self")


if native is not None:
    native.setup_call(Call, Failure, Kind, failure_of)
