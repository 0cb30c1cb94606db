"""``pie call`` of an HTTP service: one request as a Call, on a chain like any other."""

import http.client
from typing import NamedTuple
from urllib.parse import quote

from pie.call import Driver, Runtime
from pie.govern import remaining
from pie.model import Call, Failure, Kind
from pie.web.headers import FROM, caller_name

VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_MAX_BODY = 64 << 20
_AS_TYPED = "%/:=&?~#+!$,;'@()*[]"
"""Characters that keep their meaning in a path; others, such as Chinese ones, are escaped."""


class HttpRequest(NamedTuple):
    """The request to send."""

    verb: str
    path: str
    body: bytes
    headers: dict[str, str]


class HttpResponse(NamedTuple):
    """The answer."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes


class HttpCaller:
    """Calls one HTTP service by its PSM."""

    def __init__(self, runtime: Runtime, psm: str, *, cluster: str, timeout: float) -> None:
        self._driver = Driver(runtime.policies.client(psm))
        self._runtime = runtime
        self._psm = psm
        self._cluster = cluster
        self._timeout = timeout

    def new_call(self, verb: str) -> Call:
        """The call that ``make`` makes; what it holds afterwards tells how it went."""
        who = self._runtime.identity
        call = Call(
            "client", "http", caller=who.psm, caller_cluster=who.cluster, callee=self._psm,
            callee_cluster=self._cluster, method=verb, timeout=self._timeout,
        )  # fmt: skip
        call.verb = verb
        call.pin = self._runtime.pinned.get(self._psm, "")
        call.candidates = self._runtime.directory.instances(self._psm)
        return call

    def make(self, call: Call, request: HttpRequest) -> HttpResponse:
        """Make the call. An error status is an answer, and recorded as what it is.

        Raises:
            Failure: no answer.
        """
        answers: list[HttpResponse] = []

        def send(each: Call) -> None:
            answers.append(_send(each, request))
            _judge(each)

        try:
            self._driver.run(call, send)
        except Failure:
            if not answers:
                raise
        return answers[-1]


def _judge(call: Call) -> None:
    if call.status >= 400:
        kind = Kind.of_http_status(call.status)
        text = f"HTTP {call.status} from {call.callee} at {call.peer}"
        raise Failure(kind, text, code=call.status, raised_by="peer")


def _send(call: Call, request: HttpRequest) -> HttpResponse:
    endpoint = call.target
    assert endpoint is not None, "balance chose none"
    if endpoint.transport != "http":
        raise Failure(
            Kind.INVALID,
            f"{call.callee} at {call.peer} speaks Thrift ({endpoint.transport}), not HTTP: name a "
            "method instead of a verb",
        )
    headers = {
        "User-Agent": "pie-call",
        "X-Tt-Logid": call.logid,
        FROM: caller_name(call.caller, call.caller_cluster),
        "traceparent": f"00-{call.logid}-{call.wire_span_id}-01",
        **request.headers,
    }
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=remaining(call))
    sent = False
    try:
        connection.connect()
        sent = True
        path = quote(request.path, safe=_AS_TYPED)
        connection.request(request.verb, path, request.body or None, headers)
        response = connection.getresponse()
        body = response.read(_MAX_BODY)
    except TimeoutError:
        raise Failure(
            Kind.DEADLINE,
            f"{call.callee} at {call.peer} did not answer in time",
            never_sent=not sent,
        ) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = str(error) or type(error).__name__
        doing = "no answer from" if sent else "cannot connect to"
        raise Failure(
            Kind.UNAVAILABLE, f"{doing} {call.callee} at {call.peer}: {reason}", never_sent=not sent
        ) from None
    finally:
        connection.close()
    call.status = response.status
    call.request_bytes, call.response_bytes = len(request.body), len(body)
    return HttpResponse(response.status, response.reason, response.getheaders(), body)
