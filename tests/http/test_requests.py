"""Requests: in whatever parts they come, with bodies of every kind, and those that are refused."""

import pytest

HOST = b"Host: a\r\n"
POST = b"POST / HTTP/1.1\r\n" + HOST


def echo(environ, start_response):
    """The body, behind the length that the environ has."""
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("X-Length", environ.get("CONTENT_LENGTH", "none"))])
    return [body]


def length_of(head: bytes) -> int:
    lines = dict(line.split(b": ", 1) for line in head.strip().split(b"\r\n")[1:])
    return int(lines[b"Content-Length"])


def answer(one) -> bytes:
    head = one.until(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), head
    return one.exactly(length_of(head))


def test_a_request_that_comes_byte_by_byte(serve, client) -> None:
    one = client(serve(echo))
    for byte in POST + b"Content-Length: 4\r\n\r\nbody":
        one.send(bytes([byte]))
    assert answer(one) == b"body"


@pytest.mark.parametrize("size", [0, 1, 70_000, 1 << 20, (1 << 20) + 1, 5_000_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_of_every_size(serve, client, size, chunked) -> None:
    body = (bytes(range(256)) * (size // 256 + 1))[:size]
    if chunked:
        parts = [body[i : i + 60_000] for i in range(0, size, 60_000)]
        sent = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        head = b"Transfer-Encoding: chunked\r\n"
    else:
        sent, head = body, b"Content-Length: %d\r\n" % size
    one = client(serve(echo))
    for _ in range(2):
        one.send(POST + head + b"\r\n" + sent)
        assert answer(one) == body


def test_pipelined_requests_are_answered_in_order(serve, client) -> None:
    one = client(serve(echo))
    bodies = [b"x" * size for size in (3, 0, 100_000, 7, 2_000_000, 1)]
    for body in bodies:
        one.send(POST + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    for body in bodies:
        assert answer(one) == body


def test_a_client_that_waits_is_asked_for_the_body(serve, client) -> None:
    one = client(serve(echo))
    one.send(POST + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n")
    assert one.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    one.send(b"body")
    assert answer(one) == b"body"


def test_a_body_that_is_too_long_is_refused_before_it_comes(serve, client) -> None:
    port = serve(echo, body_limit=1000)
    one = client(port)
    one.send(POST + b"Expect: 100-continue\r\nContent-Length: 1001\r\n\r\n")
    assert one.to_end().startswith(b"HTTP/1.1 413 ")
    chunked = client(port).send(POST + b"Transfer-Encoding: chunked\r\n\r\n")
    assert chunked.send(b"3e9\r\n").to_end().startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: a\n\n", 400),
        (b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", 505),
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 101 + b"\r\n", 431),
        (POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nx\r\n", 400),
    ],
)  # fmt: skip
def test_what_follows_a_refused_request_is_not_read_as_one(
    serve, client, request_bytes, status, caplog
) -> None:
    seen = []

    def app(environ, start_response):
        seen.append(environ["PATH_INFO"])
        return echo(environ, start_response)

    one = client(serve(app))
    got = one.send(request_bytes + b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n").to_end()
    assert got.startswith(b"HTTP/1.1 %d " % status), got
    assert got.count(b"\r\n\r\n") == 1
    assert seen == []
    assert f"by {status}: " in caplog.text


@pytest.mark.parametrize("begun", [b"GET / HT", POST + b"Content-Length: 5\r\n\r\nbo"])
def test_a_request_that_does_not_go_on_is_late(serve, client, begun) -> None:
    one = client(serve(echo, head_timeout=0.2, body_timeout=0.2)).send(begun)
    assert one.to_end().startswith(b"HTTP/1.1 408 ")


def test_a_connection_without_a_request_is_closed(serve, client) -> None:
    assert client(serve(echo, idle_timeout=0.2)).to_end() == b""


def test_a_client_that_sends_no_more_still_gets_its_answer(serve, client) -> None:
    import socket

    one = client(serve(echo)).send(POST + b"Content-Length: 4\r\n\r\nbody")
    one.sock.shutdown(socket.SHUT_WR)
    assert one.to_end().endswith(b"\r\n\r\nbody")


def test_the_proxy_names_its_client(serve, client) -> None:
    def app(environ, start_response):
        start_response("200 OK", [])
        return [f"{environ['REMOTE_ADDR']}:{environ['REMOTE_PORT']}".encode()]

    port = serve(app, trusted=("127.0.0.0/8",), proxy_protocol=True)
    one = client(port).send(b"PROXY TCP4 10.1.2.3 10.0.0.1 4711 80\r\n")
    for _ in range(2):
        one.send(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        assert answer(one) == b"10.1.2.3:4711"
