"""What a Call holds: the twin of ``call.c``, whose ``CallFields`` stands in for it."""

from collections.abc import Sequence
from typing import Any, Literal

from pie.model.endpoint import Endpoint
from pie.model.failure import Failure

Side = Literal["server", "client"]
Protocol = Literal["http", "thrift"]


class CallFields:
    """The fields of a Call, and what they are before anything is known.

    The C type also checks: text that is not a ``str`` and numbers that do not fit into 64 bits are
    refused with an error that names the field.
    """

    __slots__ = (
        "asked_cluster",
        "attempt",
        "attempt_start",
        "attempt_timeout",
        "attempts",
        "backward",
        "callee",
        "callee_cluster",
        "caller",
        "caller_cluster",
        "candidates",
        "code",
        "connect_timeout",
        "deadline",
        "detached",
        "end",
        "env",
        "failure",
        "gate",
        "hedges",
        "logid",
        "max_attempts",
        "message",
        "method",
        "notes",
        "parent_id",
        "path",
        "peer",
        "persist",
        "pin",
        "protocol",
        "queued",
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
        "trace_flags",
        "tracestate",
        "traffic",
        "transit",
        "tried",
        "usual_timeout",
        "verb",
        "version",
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
        """Of a call made: the one that it asks for, and once route has chosen, that one."""
        self.asked_cluster = ""
        """Client side: the cluster that the call asks for; empty until route has chosen one."""
        self.method = method
        self.verb = ""
        """HTTP verb of an HTTP call."""
        self.route = ""
        """Route template of an HTTP call, e.g. ``/items/<int:id>``."""
        self.path = ""
        """What an HTTP request asked for, as it may be shown: bounded, secrets hidden."""
        self.env = env
        """Environment lane of the chain: a named variation of the fleet that some of its
        services have instances of. Empty = the base lane, which has instances of every service."""
        self.peer = peer
        """``host:port`` or ``unix:path`` of the other side, once known."""
        self.version = ""
        """The callee's version. A call made: what the chosen instance registered, once balance
        has chosen it; empty if it registered none. A call served: empty, which stands for the
        version of this process (``Identity.version``); its record says that one."""
        self.traffic = ""
        """Class of traffic of the chain: empty = normal, ``test`` or ``stress``."""
        self.gate = ""
        """Name of the policy whose gate rejected the call, e.g. ``deadline``; empty = none did."""

        self.logid = logid
        self.span_id = ""
        self.parent_id = parent_id
        self.wire_span_id = ""
        """What the peer sees as its parent: this attempt's span. Equal to ``span_id`` until the
        call is tried a second time."""
        self.tracestate = ""
        """W3C tracestate of an HTTP request, which other tracers on the chain want back."""
        self.trace_flags = ""
        """W3C trace flags of an HTTP request, two hex digits; empty = it named none."""
        self.attempts = 1
        self.max_attempts = 0
        """Client side: attempts in all that this call may take; 0 = as its rule says."""
        self.attempt = 0
        """0 for a whole call; n for the n-th attempt of one that was tried more than once."""
        self.hedges = 0
        """Client side: attempts that were sent while an earlier one was still on its way; a part
        of ``attempts``. The other ones but the first are retries."""
        self.candidates: Sequence[Endpoint] = ()
        """Client side: the endpoints this call may still go to; routing gates narrow it."""
        self.pin = ""
        """Client side: the one instance this call goes to, ``host:port`` or ``unix:/path``, with
        ``/transport`` behind it where it is not registered; empty = whichever gates choose."""
        self.target: Endpoint | None = None
        """Client side: the endpoint the balancer chose."""
        self.tried: tuple[str, ...] = ()
        """Ids of the endpoints earlier attempts went to."""

        self.timeout = timeout
        """Seconds asked for: by the code of this call on the client side, where the deadline gate
        puts what holds in the end; by the peer on the server side."""
        self.usual_timeout: float | None = None
        """Client side: seconds that its client's arguments or file name, for calls that do not name
        a time-out and for which no rule of the caller does."""
        self.attempt_timeout: float | None = None
        """Client side: seconds that one attempt may take; None = as long as the call."""
        self.connect_timeout: float | None = None
        """Client side: seconds for making a connection; None = as the client's pool says."""
        self.received = 0.0
        """Server side: when the request's first byte was here (monotonic), 0 if not known."""
        self.queued = 0.0
        """Server side: seconds from receipt (from ``start`` where it is not known) to the start of
        the handler; 0 while the call is in its gates and when they rejected it."""
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
