"""The Thrift client: calls to one service, whose name, address and limits are looked up at use."""

import itertools
import threading
import weakref
from typing import Any, NamedTuple

from pie.call import ClientPolicy, Driver, Runtime, client_course, get_runtime
from pie.govern import remaining
from pie.model import BUSINESS_CODE_MIN, PSM, Call, Endpoint, Failure, Kind, Place, after_fork
from pie.rpc.callee import Asked, Callee, file_of, resolve
from pie.rpc.callee_file import CalleeFile, FollowedFile
from pie.rpc.metadata import peer_failure, read_reply_header, request_base, request_header
from pie.rpc.pool import ClientConnection, Pool
from pie.thrift import (
    ApplicationError,
    CodecError,
    Frame,
    Method,
    Struct,
    StructException,
    Transport,
    decode_reply,
    encode_call,
    fill_base,
    read_base_resp,
    read_message,
)

_TRANSPORTS = ("ttheader", "framed", "buffered")
_MAX_SEQID = 0x7FFFFFFF


class _Bound(NamedTuple):
    """A channel set up: in which process, by which file, for whom."""

    runtime: Runtime
    followed: FollowedFile | None
    file: CalleeFile | None
    callee: Callee
    driver: Driver


class Channel:
    """Calls to one service; holds their connections. Nothing is looked up before the first call.

    Args:
        service: its name in the IDL, which is that of its yml file.
        target: its PSM; empty = the file says it.
        to_cluster: empty = the file says it, or ``default``.
        timeout: seconds; None = the file says it, or 1 second.

    Raises:
        ValueError: ``target`` is not a PSM, or ``timeout`` is not above 0.
    """

    def __init__(
        self,
        service: str,
        target: str = "",
        *,
        to_cluster: str = "",
        timeout: float | None = None,
    ) -> None:
        if target:
            PSM.parse(target)
        if timeout is not None and not timeout > 0:
            raise ValueError(f"timeout={timeout} is not a number of seconds above 0")
        self._asked = Asked(service, target, to_cluster, timeout)
        self._pool = Pool()
        weakref.finalize(self, self._pool.close)
        self._seqid = itertools.count(1)
        self._answered = False
        self._bound: _Bound | None
        self._begin()
        after_fork(self._begin)

    def _begin(self) -> None:
        """Also in a forked child: a lock may be held by a thread that is not there."""
        self._lock = threading.Lock()
        self._bound = None

    def invoke(self, method: Method, args: Struct) -> Any:
        """Make one call and return its value; None for void and oneway.

        Raises:
            Failure: no answer.
            StructException: the answer is an exception that the IDL declares.
            CalleeError: it is not known which service to call.
            NotBootstrapped: the process was not set up.
        """
        return self.make(self.new_call(method), method, args)

    def new_call(self, method: Method) -> Call:
        """A call that ``make`` can make; what it holds afterwards tells how it went."""
        bound = self._bind()
        callee, who = bound.callee, bound.runtime.identity
        call = Call(
            "client",
            "thrift",
            caller=who.psm,
            caller_cluster=who.cluster,
            callee=callee.psm,
            callee_cluster=callee.cluster,
            method=method.name,
        )
        if callee.places:
            call.candidates = callee.places
            call.notes.append(callee.said)
        else:
            call.candidates = bound.runtime.directory.instances(callee.psm)
        return call

    def make(self, call: Call, method: Method, args: Struct) -> Any:
        """Make a call that ``new_call`` prepared. Raises as ``invoke``."""
        bound = self._bind()
        answer: _Answer = bound.driver.run(call, lambda each: self._send(each, method, args, bound))
        return answer.get()

    def _bind(self) -> _Bound:
        runtime = get_runtime()
        bound = self._bound
        if bound is not None and bound.runtime is runtime:
            followed = bound.followed
            if followed is None or followed.content() is bound.file:
                return bound
        with self._lock:
            self._bound = self._set_up(runtime, bound)
            return self._bound

    def _set_up(self, runtime: Runtime, before: _Bound | None) -> _Bound:
        path = file_of(self._asked.service, runtime.conf)
        followed = before.followed if before is not None and before.runtime is runtime else None
        if followed is None and path is not None:
            followed = FollowedFile(path, self._asked.service)
        file = followed.content() if followed is not None else None
        callee = resolve(self._asked, path, file)
        policy = ClientPolicy(timeout=callee.timeout, pinned=runtime.pinned)
        course = client_course(runtime.observer, runtime.directory.explain, policy)
        return _Bound(runtime, followed, file, callee, Driver(course))

    def _send(self, call: Call, method: Method, args: Struct, bound: _Bound) -> "_Answer":
        endpoint = call.target
        assert endpoint is not None, "balance chose none"
        if endpoint.transport not in _TRANSPORTS:
            raise Failure(
                Kind.INVALID,
                f"{call.callee} at {call.peer} speaks {endpoint.transport}, not Thrift: "
                "it cannot be called by a Thrift client",
                never_sent=True,
            )
        transport = Transport(endpoint.transport)
        fill_base(args, request_base(call, f"pie/{method.service}", bound.runtime.identity.host))
        header = request_header(call, remaining(call)) if transport is Transport.TTHEADER else None
        seqid = next(self._seqid) & _MAX_SEQID
        try:
            request = encode_call(method, args, seqid, transport, header)
        except CodecError as error:
            raise Failure(
                Kind.INVALID,
                f"cannot send {call.callee}.{method.name}: {error}",
                raised_by="self",
            ) from None
        call.request_bytes = len(request)
        connection = self._connect(call, endpoint, bound)
        try:
            frame = self._exchange(connection, call, request, method, endpoint)
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
            raise peer_failure(error, frame.header, call.callee) from None
        except CodecError as error:
            raise Failure(
                Kind.INTERNAL,
                f"cannot read the reply of {call.callee}.{method.name} from {call.peer}: {error}",
                raised_by="peer",
            ) from None

    def _exchange(
        self,
        connection: ClientConnection,
        call: Call,
        request: bytes,
        method: Method,
        endpoint: Endpoint,
    ) -> Frame | None:
        """Send and receive; a failure asks about the transport where a person wrote it down."""
        try:
            frame = connection.exchange(call, request, oneway=method.oneway)
        except Failure as failure:
            if isinstance(endpoint, Place) and not self._answered:
                _add(
                    failure,
                    f"It never answered, and was spoken to in {endpoint.transport}: does it speak "
                    "that (ttheader: a Pie service; framed, buffered: Apache Thrift)?",
                )
            raise
        self._answered = self._answered or frame is not None
        return frame

    def _connect(self, call: Call, endpoint: Endpoint, bound: _Bound) -> ClientConnection:
        """A connection; its failure also tells when the address may be out of date."""
        try:
            return self._pool.take(call, endpoint)
        except Failure as failure:
            doubt = "" if bound.callee.places else bound.runtime.directory.doubt(call.callee)
            if doubt:
                _add(failure, doubt)
            raise


def _add(failure: Failure, sentence: str) -> None:
    failure.message = f"{failure.message}. {sentence}"
    failure.args = (failure.message,)


def _answers(frame: Frame, seqid: int) -> bool:
    try:
        return read_message(frame.payload, frame.protocol)[0].seqid == seqid
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
