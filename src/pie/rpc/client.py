"""The Thrift client: a typed stub over a channel to a service, named by its PSM."""

import itertools
import threading
import weakref
from typing import Any, TypeVar

from pie.call import ClientPolicy, Driver, Runtime, client_course, get_runtime
from pie.govern import DEFAULT_TIMEOUT, remaining
from pie.model import BUSINESS_CODE_MIN, PSM, Call, Failure, Kind
from pie.rpc.metadata import peer_failure, read_reply_header, request_base, request_header
from pie.rpc.pool import Pool
from pie.thrift import (
    ApplicationError,
    CodecError,
    Frame,
    Method,
    ServiceClient,
    Struct,
    StructException,
    Transport,
    decode_reply,
    encode_call,
    fill_base,
    read_base_resp,
    read_message,
)

Stub = TypeVar("Stub", bound=ServiceClient)
_TRANSPORTS = ("ttheader", "framed", "buffered")
_MAX_SEQID = 0x7FFFFFFF


def client(
    stub: type[Stub],
    psm: str,
    *,
    to_cluster: str = "",
    timeout: float = DEFAULT_TIMEOUT,
) -> Stub:
    """A client of the service ``psm`` with the methods of the generated class ``stub``.

    It may be made at import time: it needs the process to be set up only when it is called. It is
    thread-safe, and its calls raise ``Failure`` or the exceptions that the IDL declares.

    Args:
        to_cluster: cluster to call; ``default`` if empty.
        timeout: seconds for a call with all its attempts; the deadline of the call being served
            wins when it is sooner.

    Raises:
        ValueError: ``psm`` is not a PSM.
    """
    return stub(Channel(str(PSM.parse(psm)), to_cluster=to_cluster, timeout=timeout).invoke)


class Channel:
    """Calls to one service; holds their connections."""

    def __init__(self, psm: str, *, to_cluster: str, timeout: float) -> None:
        self._psm = psm
        self._cluster = to_cluster
        self._timeout = timeout
        self._pool = Pool()
        weakref.finalize(self, self._pool.close)
        self._seqid = itertools.count(1)
        self._lock = threading.Lock()
        self._bound: tuple[Runtime, Driver] | None = None

    def invoke(self, method: Method, args: Struct) -> Any:
        """Make one call and return its value; None for void and oneway.

        Raises:
            Failure: no answer.
            StructException: the answer is an exception that the IDL declares.
            NotBootstrapped: the process was not set up.
        """
        runtime, driver = self._bind()
        who = runtime.identity
        call = Call(
            "client",
            "thrift",
            caller=who.psm,
            caller_cluster=who.cluster,
            callee=self._psm,
            callee_cluster=self._cluster,
            method=method.name,
        )
        call.candidates = runtime.directory.instances(self._psm)
        answer: _Answer = driver.run(call, lambda each: self._send(each, method, args, who.host))
        return answer.get()

    def _bind(self) -> tuple[Runtime, Driver]:
        runtime = get_runtime()
        bound = self._bound
        if bound is None or bound[0] is not runtime:
            with self._lock:
                policy = ClientPolicy(timeout=self._timeout, pinned=runtime.pinned)
                course = client_course(runtime.observer, runtime.directory.explain, policy)
                bound = self._bound = (runtime, Driver(course))
        return bound

    def _send(self, call: Call, method: Method, args: Struct, host: str) -> "_Answer":
        endpoint = call.target
        assert endpoint is not None, "balance chose none"
        if endpoint.transport not in _TRANSPORTS:
            raise Failure(
                Kind.INVALID,
                f"{self._psm} at {call.peer} speaks {endpoint.transport}, not Thrift: "
                "it cannot be called by a Thrift client",
                never_sent=True,
            )
        transport = Transport(endpoint.transport)
        fill_base(args, request_base(call, f"pie/{method.service}", host))
        header = request_header(call, remaining(call)) if transport is Transport.TTHEADER else None
        seqid = next(self._seqid) & _MAX_SEQID
        try:
            request = encode_call(method, args, seqid, transport, header)
        except CodecError as error:
            raise Failure(
                Kind.INVALID,
                f"cannot send {self._psm}.{method.name}: {error}",
                raised_by="self",
            ) from None
        call.request_bytes = len(request)
        connection = self._pool.take(call, endpoint)
        try:
            frame = connection.exchange(call, request, oneway=method.oneway)
            if frame is not None and not _answers(frame, seqid):
                connection.reusable = False  # Out of step: it would spoil the next call, too.
        finally:
            self._pool.give_back(endpoint, connection)
        if frame is None:
            return _Answer(None, None)
        call.response_bytes = frame.size
        if frame.header is not None:
            read_reply_header(call, frame.header)
        try:
            result = decode_reply(method, frame, seqid)
            return _Answer.of(method, result, call)
        except ApplicationError as error:
            raise peer_failure(error, frame.header, self._psm) from None
        except CodecError as error:
            raise Failure(
                Kind.INTERNAL,
                f"the reply of {self._psm}.{method.name} from {call.peer} cannot be read: {error}",
                raised_by="peer",
            ) from None


def _answers(frame: Frame, seqid: int) -> bool:
    try:
        return read_message(frame.payload)[0].seqid == seqid
    except CodecError:
        return False


class _Answer:
    """A value, or an exception that is an answer."""

    __slots__ = ("_error", "_value")

    def __init__(self, value: Any, error: StructException | None) -> None:
        self._value = value
        self._error = error

    @classmethod
    def of(cls, method: Method, result: Struct, call: Call) -> "_Answer":
        """Read a result struct; a business status goes into the call."""
        try:
            value = method.unpack(result)
        except ApplicationError:
            raise
        except StructException as error:
            call.business(BUSINESS_CODE_MIN, f"{type(error).__name__}: {error}")
            return cls(None, error)
        status = read_base_resp(value)
        if status is not None and status.code:
            call.business(status.code, status.message)
        return cls(value, None)

    def get(self) -> Any:
        if self._error is not None:
            raise self._error
        return self._value
