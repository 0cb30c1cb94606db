"""The Call: the one noun of Pie.

An HTTP request served, an RPC served, an RPC made, an HTTP request made: each is one Call.
Governance decides on Calls; observation turns them into facts.
"""

from collections.abc import Sequence
from typing import Any, Literal, Self

from pie.model.endpoint import Endpoint
from pie.model.failure import Failure, Kind

Side = Literal["server", "client"]
Protocol = Literal["http", "thrift"]


class Call:
    """Who asks whom for what, under which limits, and how it went.

    Times are seconds: ``start``, ``end`` and ``deadline`` on the monotonic clock, ``started`` on
    the wall clock. ``failure`` is None while the call runs and when it succeeded; a business code
    is not a failure, it stands in ``code`` alone.
    """

    __slots__ = (
        "attempt",
        "attempt_start",
        "attempts",
        "backward",
        "callee",
        "callee_cluster",
        "caller",
        "caller_cluster",
        "candidates",
        "code",
        "deadline",
        "detached",
        "end",
        "env",
        "failure",
        "logid",
        "message",
        "method",
        "notes",
        "parent_id",
        "peer",
        "persist",
        "protocol",
        "received",
        "request_bytes",
        "response_bytes",
        "result",
        "route",
        "side",
        "span_id",
        "start",
        "started",
        "status",
        "target",
        "timeout",
        "transit",
        "tried",
        "verb",
        "wire_span_id",
    )

    def __init__(  # noqa: PLR0915 - a record of fixed slots is set slot by slot
        self,
        side: Side,
        protocol: Protocol,
        *,
        caller: str,
        callee: str,
        method: str,
        caller_cluster: str = "",
        callee_cluster: str = "",
        env: str = "",
        logid: str = "",
        parent_id: str = "",
        peer: str = "",
        timeout: float | None = None,
    ) -> None:
        self.side: Side = side
        self.protocol: Protocol = protocol
        self.caller = caller
        self.caller_cluster = caller_cluster
        self.callee = callee
        self.callee_cluster = callee_cluster
        self.method = method
        self.verb = ""
        """HTTP verb of an HTTP call."""
        self.route = ""
        """Route template of an HTTP call, e.g. ``/items/<int:id>``."""
        self.env = env
        self.peer = peer
        """``host:port`` or ``unix:path`` of the other side, once known."""

        self.logid = logid
        self.span_id = ""
        self.parent_id = parent_id
        self.wire_span_id = ""
        """What the peer sees as its parent: this attempt's span. Equal to ``span_id`` until the
        call is tried a second time."""
        self.attempts = 1
        self.attempt = 0
        """0 for a whole call; n for the n-th attempt of one that was tried more than once."""
        self.candidates: Sequence[Endpoint] = ()
        """Client side: the endpoints this call may still go to; routing gates narrow it."""
        self.target: Endpoint | None = None
        """Client side: the endpoint the balancer chose."""
        self.tried: tuple[str, ...] = ()
        """Ids of the endpoints earlier attempts went to."""

        self.timeout = timeout
        """Seconds asked for: by our settings on the client side, by the peer on the server side."""
        self.received = 0.0
        """Server side: when the request's first byte was here (monotonic), 0 if not known."""
        self.started = 0.0
        self.start = 0.0
        self.attempt_start = 0.0
        self.end = 0.0
        self.deadline: float | None = None
        self.detached = False
        """Client side: does not inherit the deadline of the call it is made in."""

        self.failure: Failure | None = None
        self.code = 0
        """0 = success; HTTP status >= 400 or Pie's code below 1000; business code from 1000."""
        self.status = 0
        """HTTP status of an HTTP call."""
        self.message = ""
        self.result: Any = None
        """What the caller gets; a gate's ``leave`` may replace it (fallback)."""
        self.request_bytes = 0
        self.response_bytes = 0
        self.persist: dict[str, str] = {}
        """Metadata for every hop downstream."""
        self.transit: dict[str, str] = {}
        """Metadata for this hop only."""
        self.backward: dict[str, str] = {}
        """Metadata that comes back with the reply."""
        self.notes: list[str] = []
        """What was decided about this call and why, in order; shown in the chain view."""

    @property
    def duration(self) -> float:
        """Seconds from start to end."""
        return self.end - self.start

    @property
    def outcome(self) -> str:
        """``ok``, ``business`` (the callee's own non-zero code), or the failure's kind."""
        if self.failure is not None:
            return self.failure.kind.value
        return "ok" if self.code == 0 else "business"

    def succeed(self, result: Any = None) -> None:
        """The call has its answer."""
        self.failure = None
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
        for name in Call.__slots__:
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
        self.peer = ""
        self.target = None
        self.backward = {}
        return self

    def __repr__(self) -> str:
        return (
            f"<Call {self.side} {self.protocol} {self.caller or '?'} -> {self.callee}"
            f".{self.method} {self.outcome} {self.logid}/{self.span_id}>"
        )


def failure_of(error: BaseException) -> Failure:
    """The failure an exception stands for; exceptions Pie does not know are ``internal``."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, TimeoutError):
        return Failure(Kind.DEADLINE, str(error) or "timed out", raised_by="self")
    if not isinstance(error, Exception):
        return Failure(Kind.CANCELLED, f"cancelled by {type(error).__name__}", raised_by="self")
    return Failure(Kind.INTERNAL, f"{type(error).__name__}: {error}", raised_by="self")
