"""HTTP headers that carry a chain: W3C trace context, logid, and metadata for later hops."""

import re
from collections.abc import Mapping
from typing import Any

from pie.call import NotBootstrapped, get_runtime
from pie.model import LANE, NO_CHAIN, PSM, Call, chain_of, current_call, trace_id_of
from pie.web.peers import TrustedPeers

LOGID = "X-Tt-Logid"
ADDRESSEE_KEY = "HTTP_PIE_TO"
"""Environ key of the header that names whom a request is for."""
FROM = "Pie-From"
"""Header of a request: the service that makes it and its cluster, ``psm/cluster``."""
_FROM_KEY = "HTTP_PIE_FROM"
PROXY_KEY = "pie.proxy"
"""Environ key: address of the trusted proxy that named the client, empty on a unix socket."""
UNSENT = "Pie-Unsent"
"""Header of an answer, with value 1: the request was not served, and may be sent elsewhere."""
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_KNOWN_FLAGS = 0x03  # Sampled, and that the trace id is random.
_SAMPLED = "01"
_MEMBER = re.compile(
    r"(?P<key>[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})"
    r"=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
)
_MAX_MEMBERS = 32
_MAX_STATE = 512
_LONG_MEMBER = 128
_METADATA = "HTTP_RPC_"
_PERSIST = "HTTP_RPC_PERSIST_"
_TRANSIT = "HTTP_RPC_TRANSIT_"
_MAX_METADATA = 64
_MAX_VALUE = 1024
_CLUSTER = re.compile(r"[A-Za-z0-9_.:@+-]{1,128}")


def take_chain(call: Call, environ: dict[str, Any], trusted: TrustedPeers, address: str) -> None:
    """Read what a WSGI environ says of the chain into a call.

    A traceparent wins over a logid, unless its trace id stands for that: its span belongs to its
    trace. Metadata of a peer that is not trusted, and the name that it gives itself, are taken out
    of the environ, so that nobody hands them on.
    """
    address = environ.get(PROXY_KEY, address)
    logid, traceparent = environ.get("HTTP_X_TT_LOGID"), environ.get("HTTP_TRACEPARENT")
    given = chain_of(str(logid), "", "") if logid else NO_CHAIN
    call.logid = given.logid
    if traceparent:
        _take_trace(call, str(traceparent), environ.get("HTTP_TRACESTATE"))
    if given.note and call.logid == given.logid:
        call.notes.append(given.note)
    if _FROM_KEY in environ:
        if trusted.trusts(address):
            _take_caller(call, str(environ[_FROM_KEY]))
        else:
            del environ[_FROM_KEY]
    if _METADATA in "\n".join(environ):
        keys = [key for key in environ if key.startswith(_METADATA)]
        if trusted.trusts(address):
            call.persist = _metadata(environ, keys, _PERSIST)
            call.transit = _metadata(environ, keys, _TRANSIT)
        else:
            for key in keys:
                if key.startswith((_PERSIST, _TRANSIT)):
                    del environ[key]


def chain_headers() -> dict[str, str]:
    """The headers by which a request to another HTTP service names its caller, and belongs to the
    chain of the call that is being served, if one is."""
    headers = _own_name()
    call = current_call.get()
    if call is None:
        return headers
    flags = call.trace_flags or _SAMPLED
    headers[LOGID] = call.logid
    headers["traceparent"] = f"00-{trace_id_of(call.logid)}-{call.span_id}-{flags}"
    if call.tracestate:
        headers["tracestate"] = call.tracestate
    persisted = {**call.persist, LANE: call.env} if call.env else call.persist
    for key, value in persisted.items():
        if value.isprintable():
            headers[f"Rpc-Persist-{key.replace('_', '-')}"] = value.encode().decode("latin-1")
    return headers


def _own_name() -> dict[str, str]:
    """None in a process that is no service and no script of Pie."""
    try:
        who = get_runtime().identity
    except NotBootstrapped:
        return {}
    return {FROM: caller_name(who.psm, who.cluster)}


def caller_name(psm: str, cluster: str) -> str:
    """The value of ``Pie-From``."""
    return f"{psm}/{cluster}"


def _take_caller(call: Call, name: str) -> None:
    """A name that is none counts as none."""
    psm, _, cluster = name.partition("/")
    try:
        PSM.parse(psm)
    except ValueError:
        return
    call.caller = psm
    call.caller_cluster = cluster if _CLUSTER.fullmatch(cluster) else ""


def parse_traceparent(value: str) -> tuple[str, str, str] | None:
    """Trace id, parent span id and flags, or None: an invalid header is ignored whole (W3C,
    2021)."""
    match = _TRACEPARENT.fullmatch(value.strip())
    if match is None:
        return None
    version, trace, span, flags, rest = match.groups()
    if version == "ff" or (version == "00" and rest) or not int(trace, 16) or not int(span, 16):
        return None
    return trace, span, f"{int(flags, 16) & _KNOWN_FLAGS:02x}"


def parse_tracestate(value: str) -> str:
    """The members of a tracestate, in their order; empty if one is invalid or there are too many.

    Of members with one key the first stays. Of one that is too long, long members go first, then
    the last ones, as W3C asks.
    """
    given = [member for each in value.split(",") if (member := each.strip(" \t"))]
    if len(given) > _MAX_MEMBERS:
        return ""
    by_key: dict[str, str] = {}
    for each in given:
        match = _MEMBER.fullmatch(each)
        if match is None:
            return ""
        by_key.setdefault(match["key"], each)
    members = list(by_key.values())
    if len(",".join(members)) > _MAX_STATE:
        members = [each for each in members if len(each) <= _LONG_MEMBER]
    while len(",".join(members)) > _MAX_STATE:
        members.pop()
    return ",".join(members)


def _take_trace(call: Call, traceparent: str, tracestate: object) -> None:
    trace = parse_traceparent(traceparent)
    if trace is None:
        return
    trace_id, call.parent_id, call.trace_flags = trace
    if not call.logid or trace_id_of(call.logid) != trace_id:
        call.logid = trace_id
    if tracestate:
        call.tracestate = parse_tracestate(str(tracestate))


def _decoded(value: str) -> str:
    """A value as its sender wrote it: WSGI gives bytes as Latin-1, and they are UTF-8 if valid."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def _metadata(environ: Mapping[str, Any], keys: list[str], prefix: str) -> dict[str, str]:
    """Bounded in number and size: it travels with every call downstream."""
    found: dict[str, str] = {}
    for key in keys[:_MAX_METADATA]:
        value = _decoded(str(environ[key]))
        if key.startswith(prefix) and len(value) <= _MAX_VALUE:
            found[key[len(prefix) :]] = value
    return found
