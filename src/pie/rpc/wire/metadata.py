"""Metadata of a call on the wire, beside its arguments: in TTHeader keys, or in ``Base``."""

import re
from collections.abc import Mapping

from pie.model import Call, Failure, Kind, normalise_logid
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

_KIND, _CODE = "pie-kind", "pie-code"
_MAX_TIMEOUT = 3600.0
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
    return f"00-{call.logid}-{call.wire_span_id}-01"


def parse_span(value: str) -> tuple[str, str]:
    """Logid and parent span id of a traceparent; empty strings when it is not one."""
    parts = value.lower().split("-")
    if len(parts) < 4 or not _SPAN.fullmatch(parts[2]):
        return "", ""
    logid = normalise_logid(parts[1])
    return (logid, parts[2]) if logid else ("", "")


def request_header(call: Call, remaining: float | None) -> TTHeader:
    """TTHeader of a request; ``remaining`` are the seconds its deadline leaves."""
    ints: dict[int, str] = {
        IntKey.LOGID: call.logid,
        IntKey.FROM_SERVICE: call.caller,
        IntKey.FROM_CLUSTER: call.caller_cluster,
        IntKey.TO_SERVICE: call.callee,
        IntKey.TO_CLUSTER: call.callee_cluster,
        IntKey.TO_METHOD: call.method,
        IntKey.ENV: call.env,
        IntKey.SPAN_CONTEXT: span_context(call),
    }
    if remaining is not None:
        ints[IntKey.RPC_TIMEOUT] = str(max(1, int(remaining * 1000)))
    strings = {RPC_PERSIST + key: value for key, value in call.persist.items()}
    strings.update((RPC_TRANSIT + key, value) for key, value in call.transit.items())
    return TTHeader(ints={k: v for k, v in ints.items() if v}, strings=strings)


def read_request_header(call: Call, header: TTHeader) -> None:
    """Fill a served call from its TTHeader. Values that are not well-formed are ignored."""
    ints = header.ints
    logid, parent = parse_span(ints.get(IntKey.SPAN_CONTEXT, ""))
    call.logid = logid or normalise_logid(ints.get(IntKey.LOGID, "")) or ""
    call.parent_id = parent
    call.caller = name_from_peer(ints.get(IntKey.FROM_SERVICE, ""))
    call.caller_cluster = name_from_peer(ints.get(IntKey.FROM_CLUSTER, ""))
    call.env = name_from_peer(ints.get(IntKey.ENV, ""))
    timeout = ints.get(IntKey.RPC_TIMEOUT, "")
    if timeout.isascii() and timeout.isdecimal() and len(timeout) < 10:
        call.timeout = min(int(timeout) / 1000, _MAX_TIMEOUT)
    call.persist = _with_prefix(header.strings, RPC_PERSIST)
    call.transit = _with_prefix(header.strings, RPC_TRANSIT)


def request_base(call: Call, client: str, address: str) -> BaseInfo:
    """``Base`` of a request, for IDLs that have one."""
    extra = {"traceparent": span_context(call)}
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
    logid, parent = parse_span(base.extra.get("traceparent", ""))
    call.logid = logid or normalise_logid(base.logid) or call.logid
    call.parent_id = parent
    call.caller = name_from_peer(base.caller)
    call.env = name_from_peer(base.env)


def reply_header(call: Call, *, closing: bool, business: BusinessStatus | None = None) -> TTHeader:
    """TTHeader of a reply.

    Args:
        call: that is answered.
        closing: asks the peer to use another connection from now on.
        business: the status that stands for a value (the handler raised ``BusinessError``).
    """
    strings = {RPC_BACKWARD + key: value for key, value in call.backward.items()}
    if closing:
        strings[CRRST] = "1"
    if business is not None:
        write_status(strings, business)
    if call.failure is not None:
        strings[_KIND] = call.failure.kind.value
        strings[_CODE] = str(call.failure.code)
    return TTHeader(strings=strings)


def read_reply_header(call: Call, header: TTHeader) -> None:
    """Take the metadata of a reply into its call."""
    call.backward = _with_prefix(header.strings, RPC_BACKWARD)


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
    )


def _with_prefix(strings: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {key[len(prefix) :]: value for key, value in strings.items() if key.startswith(prefix)}


_DEFAULT_TYPE = ApplicationErrorType.INTERNAL_ERROR
_TYPE_OF_KIND: dict[Kind, ApplicationErrorType] = {
    Kind.UNIMPLEMENTED: ApplicationErrorType.UNKNOWN_METHOD,
    Kind.INVALID: ApplicationErrorType.PROTOCOL_ERROR,
}
_KIND_OF_TYPE: dict[int, Kind] = {each: kind for kind, each in _TYPE_OF_KIND.items()}
