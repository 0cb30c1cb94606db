"""The last words to a peer that speaks what is not spoken here, in its own protocol.

HTTP/1 has a status and a text, HTTP/2 the status of a gRPC call, TLS an alert, a stream over
TTHeader a trailer. Others are told nothing: what they would understand is not known.
"""

import contextlib
import socket
import time

from pie.thrift import (
    HTTP1,
    HTTP2,
    ApplicationError,
    ApplicationErrorType,
    Flag,
    FrameError,
    IntKey,
    MessageType,
    StreamingFrame,
    TTHeader,
    UnsupportedTransport,
    encode_message,
    encode_ttheader,
)
from pie.thrift.wire.transports import TLS

_SECONDS = 1.0
_MOST_READ = 256 << 10
_CHUNK = 64 << 10
_TRAILER = "4"
_STRUCT_PROTOCOL = 0x10
_TLS_ALERT = bytes.fromhex("15 0301 0002 02 28")
"""Fatal: handshake failure."""
_PREFACE_SIZE = 24
_FRAME_HEAD = 9
_HEADERS, _SETTINGS, _GOAWAY = 1, 4, 7
_ACK, _ENDS_STREAM_AND_HEADERS = 0x1, 0x5
_UNIMPLEMENTED = "12"
_MOST_TEXT = 400


def say_farewell(sock: socket.socket, error: FrameError, received: bytes) -> None:
    """Tell the peer why its connection ends, and give it a moment to read that: to close at once
    would reset the connection, with what it has not read.

    Args:
        sock: connected; closed by the caller.
        error: why.
        received: what the peer sent that was not understood.
    """
    end = time.monotonic() + _SECONDS
    words = f"{error}"[:_MOST_TEXT]
    with contextlib.suppress(OSError):
        sock.settimeout(_SECONDS)
        if isinstance(error, StreamingFrame):
            sock.sendall(_trailer(error, words))
        elif isinstance(error, UnsupportedTransport) and error.transport is HTTP1:
            sock.sendall(_http1(words))
        elif isinstance(error, UnsupportedTransport) and error.transport is HTTP2:
            _converse(sock, words, bytearray(received), end)
        elif isinstance(error, UnsupportedTransport) and error.transport is TLS:
            sock.sendall(_TLS_ALERT)
        else:
            return
        sock.shutdown(socket.SHUT_WR)
        _read_to_end(sock, end)


def _read_to_end(sock: socket.socket, end: float) -> None:
    left = _MOST_READ
    while left > 0 and (seconds := end - time.monotonic()) > 0:
        sock.settimeout(seconds)
        data = sock.recv(_CHUNK)
        if not data:
            return
        left -= len(data)


def _http1(words: str) -> bytes:
    body = f"{words}\n".encode()
    head = (
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def _trailer(error: StreamingFrame, words: str) -> bytes:
    """The end of a stream: an exception as the payload of its trailer frame."""
    refusal = ApplicationError(words, ApplicationErrorType.UNKNOWN_METHOD)
    payload = encode_message(error.method, MessageType.EXCEPTION, error.seqid, refusal)
    header = TTHeader(error.seqid, Flag.STREAMING, framed=False)
    header.ints = {IntKey.FRAME_TYPE: _TRAILER, IntKey.TO_METHOD: error.method}
    frame = bytearray(encode_ttheader(header, payload))
    frame[_PROTOCOL_AT] = _STRUCT_PROTOCOL
    return bytes(frame)


_PROTOCOL_AT = 14


# --- HTTP/2 (RFC 9113) ---


def _converse(sock: socket.socket, words: str, received: bytearray, end: float) -> None:
    """Answer the first call with the status *unimplemented*, and say that no other is taken."""
    sock.sendall(_frame(_SETTINGS, 0, 0))
    seen, at = len(received), _PREFACE_SIZE
    while True:
        while len(received) - at >= _FRAME_HEAD:
            size = int.from_bytes(received[at : at + 3], "big")
            kind, flags = received[at + 3], received[at + 4]
            stream = int.from_bytes(received[at + 5 : at + _FRAME_HEAD], "big")
            at += _FRAME_HEAD + size
            if kind == _SETTINGS and not flags & _ACK:
                sock.sendall(_frame(_SETTINGS, _ACK, 0))
            elif kind == _HEADERS:
                goaway = stream.to_bytes(4, "big") + bytes(4) + words.encode()
                sock.sendall(
                    _frame(_HEADERS, _ENDS_STREAM_AND_HEADERS, stream, _unimplemented(words))
                    + _frame(_GOAWAY, 0, 0, goaway)
                )
                return
        seconds = end - time.monotonic()
        if seconds <= 0 or seen > _MOST_READ:
            return
        sock.settimeout(seconds)
        data = sock.recv(_CHUNK)
        if not data:
            return
        seen += len(data)
        received += data


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    head = len(payload).to_bytes(3, "big") + bytes((kind, flags))
    return head + stream.to_bytes(4, "big") + payload


def _unimplemented(words: str) -> bytes:
    """The headers of a gRPC answer that is only a status, none of them compressed (RFC 7541)."""
    message = "".join(
        each if " " <= each <= "~" and each != "%" else "".join(f"%{b:02X}" for b in each.encode())
        for each in words
    )
    fields = {
        "content-type": "application/grpc",
        "grpc-status": _UNIMPLEMENTED,
        "grpc-message": message,
    }
    out = bytearray((_STATUS_200,))
    for name, value in fields.items():
        out.append(_LITERAL)
        out += _string(name) + _string(value)
    return bytes(out)


_STATUS_200, _LITERAL = 0x88, 0x00
_ONE_BYTE = 127


def _string(text: str) -> bytes:
    data = text.encode()
    if len(data) < _ONE_BYTE:
        return bytes((len(data),)) + data
    size, out = len(data) - _ONE_BYTE, bytearray((_ONE_BYTE,))
    while size >= 0x80:
        out.append(size & 0x7F | 0x80)
        size >>= 7
    out.append(size)
    return bytes(out) + data
