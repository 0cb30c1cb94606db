"""The table of transports, and what is derived from it: recognition, and the names to configure.

To add a transport, write a ``Transport`` and put it into the table here
(docs/add-a-transport.md). The server in C speaks three of them by itself (``frame.c``), and hands
the connections of all others to Python.
"""

from pie.model import known_transports
from pie.thrift.codec.protocol import Protocol
from pie.thrift.errors import FrameError, shown
from pie.thrift.wire import theader, ttheader
from pie.thrift.wire.message_end import MessageEnd
from pie.thrift.wire.message_head import BINARY_MAGIC, COMPACT_MAGIC, protocol_of
from pie.thrift.wire.transport import LENGTH, SHOWN, Data, Headers, Transport, behind_length

_HTTP1_METHODS = b"GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH"
_HTTP1_BYTES = 6
_HTTP1 = tuple((word + b" ")[:_HTTP1_BYTES] for word in _HTTP1_METHODS.split())
_TLS_HANDSHAKE, _TLS_MAJOR, _TLS_CLIENT_HELLO = 0x16, 0x03, 0x01


def _begins_message(data: Data) -> bool | None:
    if data[0] not in (BINARY_MAGIC[0], COMPACT_MAGIC):
        return False
    return protocol_of(data) is not None if len(data) > 1 else None


def _begins_framed(data: Data) -> bool | None:
    if data[0] >= 0x80:
        return False
    end = LENGTH + 2
    return protocol_of(data[LENGTH:end]) is not None if len(data) >= end else None


def _begins_framed_theader(data: Data) -> bool | None:
    """A THeader frame, whose length stands before its mark, behind a length of its own."""
    if data[0] >= 0x80:
        return False
    inner = int.from_bytes(data[:LENGTH], "big") - LENGTH
    if len(data) < LENGTH or inner < 0:
        return None if len(data) < LENGTH else False
    expected = inner.to_bytes(LENGTH, "big") + theader.MAGIC
    found = bytes(data[LENGTH : LENGTH + len(expected)])
    if len(found) < len(expected):
        return None if expected.startswith(found) else False
    return found == expected


def _begins_tls(data: Data) -> bool | None:
    """A ClientHello. As a frame it would be one of 350 MB."""
    if data[0] != _TLS_HANDSHAKE or data[1:2] not in (b"", bytes((_TLS_MAJOR,))):
        return False
    return data[5] == _TLS_CLIENT_HELLO if len(data) > 5 else None


TTHEADER = Transport(
    "ttheader",
    behind_length(ttheader.MAGIC),
    lambda frame, limit: ttheader.decode_ttheader(frame),
    ttheader.encode_ttheader,
    headers=Headers.FULL,
    configurable=True,
)
THEADER = Transport(
    "theader",
    behind_length(theader.MAGIC),
    theader.decode_theader,
    theader.encode_theader,
    headers=Headers.STRINGS,
)
FRAMED_THEADER = Transport(
    "framed theader",
    _begins_framed_theader,
    lambda frame, limit: theader.decode_theader(frame[LENGTH:], limit),
    lambda header, message, protocol: _framed(theader.encode_theader(header, message, protocol)),
    headers=Headers.STRINGS,
)
HTTP1 = Transport(
    "http/1",
    lambda data: bytes(data[:_HTTP1_BYTES]).startswith(_HTTP1),
    advice="Let it call an HTTP service, or call this one with a Thrift client",
)
HTTP2 = Transport(
    "http/2",
    lambda data: data.startswith(b"PRI "),
    advice="Neither gRPC nor streaming is supported: call this service with a Thrift client, over "
    "TTHeader, framed or buffered",
)
TLS = Transport(
    "tls",
    _begins_tls,
    advice="Let it connect without TLS, or give this service a certificate",
)
FRAMED = Transport(
    "framed",
    _begins_framed,
    lambda frame, limit: (None, frame[LENGTH:]),
    lambda header, message, protocol: _framed(message),
    configurable=True,
)
BUFFERED = Transport(
    "buffered",
    _begins_message,
    lambda frame, limit: (None, frame),
    lambda header, message, protocol: message,
    measure=lambda: MessageEnd().find,
    configurable=True,
)


def _framed(message: bytes) -> bytes:
    return len(message).to_bytes(LENGTH, "big") + message


_table: list[Transport] = []
_names: dict[str, tuple[Transport, Protocol]] = {}


def add_transport(transport: Transport) -> None:
    """Put a transport into the table, behind those that are there.

    Raises:
        ValueError: another one has its name.
    """
    if any(each.name == transport.name for each in _table):
        raise ValueError(f"there is a transport {transport.name!r} already: give this another name")
    _table.append(transport)
    _derive()


def remove_transport(transport: Transport) -> None:
    """Take a transport that was added out of the table again."""
    _table.remove(transport)
    _derive()


def transports() -> tuple[Transport, ...]:
    """The table: all transports that are recognised."""
    return tuple(_table)


def transport_names() -> tuple[str, ...]:
    """The names that a configuration may use: ``framed``, ``framed+compact``."""
    return tuple(_names)


def parse_transport(text: str) -> tuple[Transport, Protocol]:
    """The transport and protocol that a configuration names.

    Raises:
        ValueError: there is no such transport or protocol; the message lists those that there are.
    """
    found = _names.get(text.removesuffix("+binary"))
    if found is None:
        raise ValueError(f"{shown(text)} is not a transport: choose {', '.join(_names)}")
    return found


def sniff(data: Data) -> Transport | None:
    """The transport that a message begins with; None if more bytes (at most 10) are needed.

    Raises:
        FrameError: no known transport begins like this.
    """
    undecided = not data
    for each in _table if data else ():
        begins = each.begins(data)
        if begins:
            return each
        undecided = undecided or begins is None
    if undecided:
        return None
    raise FrameError(
        f"bytes {bytes(data[:SHOWN]).hex(' ')} begin no known transport: expected TTHeader, "
        "THeader, or a framed or buffered message in the strict binary or the compact protocol"
    )


def _derive() -> None:
    """Names to configure, from the table; the model is given them, for it reads addresses."""
    spoken = [each for each in _table if each.configurable]
    _names.clear()
    _names.update({each.name: (each, Protocol.BINARY) for each in spoken})
    _names.update({f"{each.name}+compact": (each, Protocol.COMPACT) for each in spoken})
    known_transports[:] = _names


for _each in (TTHEADER, THEADER, FRAMED_THEADER, HTTP1, HTTP2, TLS, FRAMED, BUFFERED):
    add_transport(_each)
