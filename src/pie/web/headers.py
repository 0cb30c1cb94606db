"""HTTP headers that carry a chain: W3C trace context, logid, and metadata for later hops."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from pie.model import normalise_logid

LOGID = "X-Tt-Logid"
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_METADATA = "HTTP_RPC_"
_PERSIST = "HTTP_RPC_PERSIST_"
_TRANSIT = "HTTP_RPC_TRANSIT_"
_MAX_METADATA = 64
_MAX_VALUE = 1024


class Incoming(NamedTuple):
    """The chain fields of a request; an empty string for a header that it lacks."""

    logid: str
    parent_id: str
    persist: dict[str, str]
    transit: dict[str, str]


def parse_traceparent(value: str) -> tuple[str, str] | None:
    """Trace id and parent span id, or None: an invalid header is ignored whole (W3C, 2021)."""
    match = _TRACEPARENT.fullmatch(value.strip())
    if match is None:
        return None
    version, trace, span, _, rest = match.groups()
    if version == "ff" or (version == "00" and rest) or not int(trace, 16) or not int(span, 16):
        return None
    return trace, span


def read_environ(environ: Mapping[str, object]) -> Incoming:
    """Read a WSGI environ. A traceparent wins over a logid: its span belongs to its trace."""
    given, traceparent = _text(environ, "HTTP_X_TT_LOGID"), _text(environ, "HTTP_TRACEPARENT")
    logid = (normalise_logid(given) or "") if given else ""
    parent_id = ""
    trace = parse_traceparent(traceparent) if traceparent else None
    if trace is not None:
        logid, parent_id = trace
    metadata = [key for key in environ if key.startswith(_METADATA)]
    if not metadata:
        return Incoming(logid, parent_id, {}, {})
    return Incoming(
        logid,
        parent_id,
        _metadata(environ, metadata, _PERSIST),
        _metadata(environ, metadata, _TRANSIT),
    )


def _text(environ: Mapping[str, object], key: str) -> str:
    value = environ.get(key, "")
    return value if isinstance(value, str) else ""


def _decoded(value: str) -> str:
    """A value as its sender wrote it: WSGI gives bytes as Latin-1, and they are UTF-8 if valid."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def _metadata(environ: Mapping[str, object], keys: list[str], prefix: str) -> dict[str, str]:
    """Bounded in number and size: it travels with every call downstream."""
    found: dict[str, str] = {}
    for key in keys[:_MAX_METADATA]:
        value = _decoded(_text(environ, key))
        if key.startswith(prefix) and len(value) <= _MAX_VALUE:
            found[key[len(prefix) :]] = value
    return found
