"""Peers that speak something else are told so in their own protocol."""

import socket
import ssl
import threading
from typing import Any

import pytest
from tests.rpc.peer import Peer

import pie.rpc.server.server

CLIENT_HELLO_ENDS = (0x80, 0x82, 0x00)
"""Low bytes of its length with which it looks like the beginning of a message."""


@pytest.fixture(params=["leader", "threads"])
def port(request, start, handler, monkeypatch) -> int:
    if request.param == "threads":
        monkeypatch.setattr(pie.rpc.server.server, "native", None)
    return start(handler)


def told(port: int, *sent: bytes) -> bytes:
    """What a peer is told that sends this and then reads to the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        found = b""
        for each in sent:
            sock.sendall(each)
        while data := sock.recv(65536):
            found += data
    return found


@pytest.mark.parametrize(
    "request_line", ["GET / HTTP/1.1", "POST /call HTTP/1.0", "OPTIONS * HTTP/1.1"]
)
def test_http(port, demo, caplog, request_line) -> None:
    body = b"x" * 100_000  # More than is read before the answer.
    head = f"{request_line}\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    answer = told(port, head + body)
    head, _, text = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert f"Content-Length: {len(text)}".encode() in head
    assert b"the peer speaks http/1, here is spoken Thrift" in text
    assert any("the peer speaks http/1" in each for each in caplog.messages)
    peer = Peer(demo, port)
    peer.send(7)
    assert peer.reply() == (7, "123")
    peer.close()


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    head = len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big")
    return head + payload


def frames(data: bytes) -> list[tuple[int, int, int, bytes]]:
    found = []
    while data:
        size = int.from_bytes(data[:3], "big")
        found.append((data[3], data[4], int.from_bytes(data[5:9], "big"), data[9 : 9 + size]))
        data = data[9 + size :]
    return found


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


@pytest.mark.parametrize("pieces", [1, 50])
def test_grpc(port, caplog, pieces) -> None:
    sent = PREFACE + frame(4, 0, 0, bytes(6)) + frame(8, 0, 0, bytes(4)) + frame(1, 4, 3, b"\x88")
    step = -(-len(sent) // pieces)
    settings, ack, headers, goaway = frames(
        told(port, *[sent[at : at + step] for at in range(0, len(sent), step)])
    )
    assert settings == (4, 0, 0, b"")
    assert ack == (4, 1, 0, b"")
    assert headers[:3] == (1, 0x5, 3)
    assert headers[3].startswith(b"\x88\x00\x0ccontent-type\x10application/grpc\x00\x0bgrpc-status")
    assert b"Neither gRPC nor streaming is supported" in headers[3]
    assert goaway[:3] == (7, 0, 0)
    assert int.from_bytes(goaway[3][:4], "big") == 3
    assert b"Neither gRPC nor streaming is supported" in goaway[3]
    assert any("Neither gRPC nor streaming" in each for each in caplog.messages)


def test_tls(port, caplog) -> None:
    context = ssl.create_default_context()
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as sock,
        pytest.raises(ssl.SSLError, match=r"(?i)handshake"),
    ):
        context.wrap_socket(sock, server_hostname="localhost")
    assert any("the peer speaks tls" in each for each in caplog.messages)


@pytest.mark.parametrize("low", CLIENT_HELLO_ENDS)
def test_any_client_hello(port, low) -> None:
    hello = bytes((0x16, 3, 1, 2, low, 1)) + bytes(40)
    assert told(port, hello) == bytes.fromhex("15 0301 0002 02 28")


def test_others_are_told_nothing(port, caplog) -> None:
    for each in (b'[1,"GetItem",1,1,{}]', b"\0\0\0\4Text", b"\xff" * 100):
        assert told(port, each + bytes(16)) == b""
    assert any("begin no known transport" in each for each in caplog.messages)


def test_many_at_once(port, demo) -> None:
    answers: list[Any] = []
    threads = [
        threading.Thread(target=lambda: answers.append(told(port, b"GET / HTTP/1.1\r\n\r\n")))
        for _ in range(20)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(20)
    assert [each[:12] for each in answers] == [b"HTTP/1.1 400"] * 20
