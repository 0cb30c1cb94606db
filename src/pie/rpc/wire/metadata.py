"""Metadata of a call on the wire, beside its arguments: in TTHeader keys, or in ``Base``."""

import re
from collections.abc import Mapping

from pie.model import (
    ADDRESSEE,
    BUSINESS_FAILURE,
    TRAFFIC,
    Call,
    Chain,
    Failure,
    Kind,
    chain_of,
    normalise_logid,
    stress_tag_of,
    take_persisted,
    take_stress_tag,
    trace_id_of,
)
from pie.model.failing import MARK
from pie.rpc.wire.business import BusinessStatus, write_status
from pie.thrift import (
    CRRST,
    RPC_BACKWARD,
    RPC_PERSIST,
    RPC_TRANSIT,
    ApplicationError,
    ApplicationErrorType,
    BaseInfo,
    IntKey,
    TTHeader,
)

_KIND, _CODE, _UNSENT = "pie-kind", "pie-code", "pie-unsent"
SERVICE_NAME = "isn"
"""String key of a request: the service's name in the IDL."""
_RESERVED_PREFIXES = ("biz-", "pie-", "RPC_")
_RESERVED = frozenset({"crrst", "rip", "isn", "tc", "ti", "crc32c"})
_MAX_BARE = 60_000
"""Characters of the values that go back twice, under both forms of their keys."""
_MAX_TIMEOUT = 3600
_MAX_NAME = 200
_SPAN = re.compile(r"(?!0{16})[0-9a-f]{16}")


def name_from_peer(text: str) -> str:
    """A name that is safe in logs and on terminals: short, without control characters."""
    text = text[:_MAX_NAME]
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else "?" for each in text)


def span_context(call: Call) -> str:
    """The W3C traceparent of the attempt on the wire."""
    return f"00-{trace_id_of(call.logid)}-{call.wire_span_id}-01"


def parse_span(value: str) -> tuple[str, str]:
    """Trace id and parent span id of a traceparent; empty strings when it is not one."""
    parts = value.lower().split("-")
    if len(parts) < 4 or not _SPAN.fullmatch(parts[2]):
        return "", ""
    logid = normalise_logid(parts[1])
    return (logid, parts[2]) if logid else ("", "")


def identity(span: str, logid: str) -> Chain:
    """The chain of a request that carries this traceparent and this logid, both unchecked."""
    return chain_of(logid, *(parse_span(span) if span else ("", "")))


def request_header(
    call: Call, remaining: float | None, *, service: str = "", to: str = ""
) -> TTHeader:
    """TTHeader of a request.

    Args:
        call: that is made.
        remaining: the seconds its deadline leaves.
        service: that has the method, by its name in the IDL.
        to: whom it is for, as ``addressee`` writes it; empty where anyone at the address is right.
    """
    ints: dict[int, str] = {
        IntKey.LOGID: call.logid,
        IntKey.FROM_SERVICE: call.caller,
        IntKey.FROM_CLUSTER: call.caller_cluster,
        IntKey.TO_SERVICE: call.callee,
        IntKey.TO_CLUSTER: call.callee_cluster,
        IntKey.TO_METHOD: call.method,
        IntKey.ENV: call.env,
        IntKey.SPAN_CONTEXT: span_context(call),
        IntKey.STRESS_TAG: stress_tag_of(call),
    }
    if remaining is not None:
        ints[IntKey.RPC_TIMEOUT] = str(max(1, int(remaining * 1000)))
    strings = {RPC_PERSIST + key: value for key, value in call.persist.items()}
    strings.update((RPC_TRANSIT + key, value) for key, value in call.transit.items())
    strings.update((k, v) for k, v in ((SERVICE_NAME, service), (ADDRESSEE, to)) if v)
    return TTHeader(ints={k: v for k, v in ints.items() if v}, strings=strings)


def read_request_header(call: Call, header: TTHeader) -> None:
    """Fill a served call from its TTHeader. Values that are not well-formed are ignored."""
    ints = header.ints
    _join(call, identity(ints.get(IntKey.SPAN_CONTEXT, ""), ints.get(IntKey.LOGID, "")))
    call.caller = name_from_peer(ints.get(IntKey.FROM_SERVICE, ""))
    call.caller_cluster = name_from_peer(ints.get(IntKey.FROM_CLUSTER, ""))
    call.env = name_from_peer(ints.get(IntKey.ENV, ""))
    call.timeout = _timeout(ints.get(IntKey.RPC_TIMEOUT, ""))
    call.persist = _with_prefix(header.strings, RPC_PERSIST)
    call.transit = _with_prefix(header.strings, RPC_TRANSIT)
    take_stress_tag(call, name_from_peer(ints.get(IntKey.STRESS_TAG, "")))


def request_base(call: Call, client: str, address: str) -> BaseInfo:
    """``Base`` of a request, for IDLs that have one."""
    extra = {"traceparent": span_context(call)}
    if call.traffic:
        extra[TRAFFIC] = call.traffic
    return BaseInfo(
        logid=call.logid,
        caller=call.caller,
        addr=address,
        client=client,
        open=bool(call.env),
        env=call.env,
        extra=extra,
    )


def read_base_info(call: Call, base: BaseInfo) -> None:
    """Fill a served call from ``Base``, where its transport carries no header."""
    _join(call, identity(base.extra.get("traceparent", ""), base.logid))
    call.caller = name_from_peer(base.caller)
    call.env = name_from_peer(base.env)
    if TRAFFIC in base.extra:
        call.persist[TRAFFIC] = base.extra[TRAFFIC]
        take_persisted(call)  # Gates have let the call in already.


def reply_header(
    call: Call, *, closing: bool, business: BusinessStatus | None = None, unsent: bool = False
) -> TTHeader:
    """TTHeader of a reply.

    Args:
        call: that is answered.
        closing: asks the peer to use another connection from now on.
        business: the status that stands for a value (the handler raised ``BusinessError``).
        unsent: the call was rejected before its handler ran: it may be sent elsewhere.
    """
    backward = call.backward
    if call.outcome == BUSINESS_FAILURE:
        backward = backward | {MARK: "1"}
    strings = _backward(backward)
    if closing:
        strings[CRRST] = "1"
    if business is not None:
        write_status(strings, business)
    if call.failure is not None:
        strings[_KIND] = call.failure.kind.value
        strings[_CODE] = str(call.failure.code)
    if unsent:
        strings[_UNSENT] = "1"
    return TTHeader(strings=strings)


def read_reply_header(call: Call, header: TTHeader) -> None:
    """Take the metadata of a reply into its call: what has our prefix, and what has none and is not
    reserved, as Kitex sends it."""
    bare = {key: value for key, value in header.strings.items() if not is_reserved(key)}
    call.backward = bare | _with_prefix(header.strings, RPC_BACKWARD)


def is_reserved(key: str) -> bool:
    """Whether a string key has a meaning of its own, and is no name of a backward value."""
    return not key or key in _RESERVED or key.startswith(_RESERVED_PREFIXES)


def application_error(failure: Failure, call: Call) -> ApplicationError:
    """The exception that carries a failure to a peer; the text of an unexpected exception stays in
    the log."""
    internal = failure.kind == Kind.INTERNAL and failure.raised_by == "self"
    message = f"internal error, logid {call.logid}" if internal else failure.message
    return ApplicationError(message, _TYPE_OF_KIND.get(failure.kind, _DEFAULT_TYPE))


def peer_failure(error: ApplicationError, header: TTHeader | None, callee: str) -> Failure:
    """The failure in an application exception of a peer."""
    strings = header.strings if header is not None else {}
    try:
        kind = Kind(strings.get(_KIND, ""))
    except ValueError:
        kind = _KIND_OF_TYPE.get(error.type, Kind.INTERNAL)
    code = strings.get(_CODE, "")
    return Failure(
        kind,
        f"{callee}: {error.message}",
        code=int(code) if code.isdecimal() and len(code) < 10 else None,
        raised_by="peer",
        never_sent=strings.get(_UNSENT) == "1",
    )


def _join(call: Call, chain: Chain) -> None:
    call.logid, call.parent_id, note = chain
    if note:
        call.notes.append(note)


def _timeout(text: str) -> float | None:
    """Seconds for a positive number of milliseconds; None, no deadline, for anything else."""
    if not (text.isascii() and text.isdecimal()):
        return None
    digits = text.lstrip("0")
    if len(digits) > _MAX_TIMEOUT_DIGITS:
        return float(_MAX_TIMEOUT)
    return min(int(digits) / 1000, float(_MAX_TIMEOUT)) if digits else None


def _backward(values: Mapping[str, str]) -> dict[str, str]:
    """Values that go back, by keys with our prefix and, as Kitex sends and reads them, without."""
    strings = {RPC_BACKWARD + key: value for key, value in values.items()}
    if sum(len(key) + len(value) for key, value in values.items()) <= _MAX_BARE:
        strings.update((key, value) for key, value in values.items() if not is_reserved(key))
    return strings


def _with_prefix(strings: Mapping[str, str], prefix: str) -> dict[str, str]:
    start = len(prefix)
    return {
        key[start:]: value
        for key, value in strings.items()
        if len(key) > start and key.startswith(prefix)
    }


_MAX_TIMEOUT_DIGITS = 9
_DEFAULT_TYPE = ApplicationErrorType.INTERNAL_ERROR
_TYPE_OF_KIND: dict[Kind, ApplicationErrorType] = {
    Kind.UNIMPLEMENTED: ApplicationErrorType.UNKNOWN_METHOD,
    Kind.INVALID: ApplicationErrorType.PROTOCOL_ERROR,
}
_KIND_OF_TYPE: dict[int, Kind] = {int(each): kind for kind, each in _TYPE_OF_KIND.items()} | {
    int(ApplicationErrorType.UNKNOWN_SERVICE): Kind.UNIMPLEMENTED,
    int(ApplicationErrorType.NO_SERVICE_NAME): Kind.UNIMPLEMENTED,
}
