"""Clients that are slow, in great number: nobody else waits for them."""

import threading

import pytest

CROWD = 200
NORMAL = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
HALVES = {
    "nothing": b"",
    "half a head": b"GET / HTT",
    "half a body": POST + b"Content-Length: 1000\r\n\r\nabc",
    "half a large body": POST + b"Content-Length: 10000000\r\n\r\nabc",
    "half a chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
}


def hello(environ, start_response):
    environ["wsgi.input"].read()
    start_response("200 OK", [])
    return [b"x" * int(environ["QUERY_STRING"] or 5)]


@pytest.mark.parametrize("half", HALVES)
def test_half_sent_requests_hold_no_thread(serve, client, half: str) -> None:
    """Cases H2 and F13; without ``overload_timeout``, nothing would be answered by a refusal."""
    port = serve(hello, max_threads=16, overload_timeout=60.0, head_timeout=60.0, body_timeout=60.0)
    crowd = [client(port).send(HALVES[half]) for _ in range(CROWD)]
    for _ in range(5):
        assert client(port).send(NORMAL).to_end().endswith(b"\r\n\r\nxxxxx")
    for each in crowd:  # They are served, too, if they go on.
        each.sock.settimeout(0.0)
        with pytest.raises(BlockingIOError):
            each.sock.recv(1)


def test_half_sent_requests_time_out(serve, client) -> None:
    port = serve(hello, max_threads=2, head_timeout=0.3, body_timeout=0.3)
    crowd = [(name, client(port).send(half)) for name, half in HALVES.items() if half]
    for name, each in crowd:
        answer = each.to_end()
        assert answer.startswith(b"HTTP/1.1 408 "), (name, answer)


def test_readers_of_replies_that_fit_hold_no_thread(serve, client) -> None:
    """Each asks for a megabyte and reads nothing of it."""
    port = serve(hello, max_threads=2, overload_timeout=60.0)
    ask = b"GET /?1000000 HTTP/1.1\r\nHost: x\r\n\r\n"
    crowd = [client(port).send(ask * 3) for _ in range(20)]
    assert client(port).send(NORMAL).to_end().endswith(b"\r\n\r\nxxxxx")
    assert crowd[0].until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 OK\r\n")
    assert crowd[0].exactly(1_000_000) == b"x" * 1_000_000


def test_readers_of_streams_are_cut(serve, client) -> None:
    """A stream stays on its thread, until its client is cut that reads nothing."""
    closed = threading.Semaphore(0)

    def stream():
        try:
            while True:
                yield b"x" * 65536
        finally:
            closed.release()

    def app(environ, start_response):
        start_response("200 OK", [])
        return [b"hello"] if environ["PATH_INFO"] == "/" else stream()

    port = serve(app, max_threads=2, overload_timeout=60.0, write_timeout=0.5)
    crowd = [client(port).send(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(2)]
    assert client(port).send(NORMAL).to_end().endswith(b"\r\n\r\nhello")
    for _ in crowd:
        assert closed.acquire(timeout=30)
