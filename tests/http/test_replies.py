"""Replies: where they end, which headers the server sets, what breaks them."""

import re

import pytest

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
TEXT = ("Content-Type", "text/plain")


def answering(body, headers=(), status="200 OK"):
    def app(environ, start_response):
        start_response(status, [TEXT, *headers])
        return body() if callable(body) else body

    return app


def test_a_list_of_one_part_has_a_length(serve, client) -> None:
    one = client(serve(answering([b"hello"]))).send(GET + GET)
    for _ in range(2):
        head = one.until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"\r\nContent-Length: 5\r\n" in head
        assert re.search(rb"\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n", head)
        assert one.exactly(5) == b"hello"


def test_parts_of_unknown_number_come_in_chunks(serve, client) -> None:
    one = client(serve(answering(lambda: iter([b"ab", b"", b"c"])))).send(GET)
    assert b"\r\nTransfer-Encoding: chunked\r\n" in one.until(b"\r\n\r\n")
    assert one.until(b"0\r\n\r\n") == b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"


def test_http_1_0_ends_by_closing(serve, client) -> None:
    one = client(serve(answering(lambda: iter([b"ab", b"c"])))).send(b"GET / HTTP/1.0\r\n\r\n")
    head, _, body = one.to_end().partition(b"\r\n\r\n")
    assert b"Connection: close" in head
    assert b"chunked" not in head
    assert body == b"abc"


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_statuses_without_a_body(serve, client, status) -> None:
    one = client(serve(answering([b"dropped"], status=status))).send(GET + GET)
    for _ in range(2):
        assert one.until(b"\r\n\r\n").startswith(f"HTTP/1.1 {status}".encode())
    assert one.received == b""


def test_head_has_the_length_and_no_body(serve, client) -> None:
    port = serve(answering([b"hello"], [("Content-Length", "5")]))
    one = client(port).send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + GET)
    assert b"Content-Length: 5" in one.until(b"\r\n\r\n")
    one.until(b"\r\n\r\n")
    assert one.exactly(5) == b"hello"


def test_each_part_is_sent_before_the_next_is_made(serve, client) -> None:
    import threading

    go_on = threading.Event()

    def parts():
        yield b"first"
        assert go_on.wait(30)
        yield b"second"

    one = client(serve(answering(parts))).send(GET)
    one.until(b"first\r\n")
    go_on.set()
    one.until(b"second\r\n0\r\n\r\n")


def test_a_whole_reply_does_not_wait_for_what_the_application_does_then(serve, client) -> None:
    import threading

    go_on = threading.Event()

    class Body(list):
        def close(self):
            assert go_on.wait(30)

    def parts():
        yield b"hello"
        assert go_on.wait(30)

    one = client(serve(answering(parts, [("Content-Length", "5")]))).send(GET)
    one.until(b"\r\n\r\nhello")
    go_on.set()


def test_more_than_the_length_is_dropped(serve, client) -> None:
    port = serve(answering(lambda: iter([b"hel", b"lo!!"]), [("Content-Length", "5")]))
    one = client(port).send(GET + GET)
    for _ in range(2):
        one.until(b"\r\n\r\n")
        assert one.exactly(5) == b"hello"


def test_less_than_the_length_ends_the_connection(serve, client, caplog) -> None:
    one = client(serve(answering([b"hel"], [("Content-Length", "5")]))).send(GET)
    assert one.to_end().endswith(b"\r\n\r\nhel")
    assert "shorter than its Content-Length" in caplog.text


def test_a_long_reply_to_a_slow_client(serve, client) -> None:
    body = bytes(range(256)) * 40_000
    one = client(serve(answering([body]))).send(GET + GET)
    for _ in range(2):
        one.until(b"\r\n\r\n")
        assert one.exactly(len(body)) == body


def test_write_sends_at_once(serve, client) -> None:
    def app(environ, start_response):
        write = start_response("200 OK", [TEXT])
        write(b"one")
        write(b"two")
        return [b"three"]

    one = client(serve(app)).send(GET)
    one.until(b"\r\n\r\n")
    assert one.until(b"0\r\n\r\n") == b"3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        [("A", "b\r\nC: d")],
        [("A b", "c")],
        [("", "c")],
        [("A", "\N{SNOWMAN}")],
        [("A", 5)],
        ["A"],
        [("Content-Length", "x")],
    ],
)
def test_headers_that_cannot_be_sent(serve, client, headers, caplog) -> None:
    one = client(serve(answering([b"x"], headers))).send(GET)
    assert one.until(b"\r\n\r\n").startswith(b"HTTP/1.1 500 ")
    assert "GET / of 127.0.0.1" in caplog.text


def test_the_server_alone_decides_about_the_connection(serve, client) -> None:
    own = [("Transfer-Encoding", "chunked"), ("Keep-Alive", "5"), ("Connection", "close")]
    head = client(serve(answering([b"x"], own))).send(GET).to_end()
    assert b"chunked" not in head
    assert b"Keep-Alive" not in head
    assert head.count(b"Connection: close\r\n") == 1


def test_an_error_before_the_reply_is_answered_and_the_connection_goes_on(
    serve, client, caplog
) -> None:
    def app(environ, start_response):
        start_response("200 OK", [TEXT])
        raise ValueError("no answer")

    one = client(serve(app)).send(GET + GET)
    for _ in range(2):
        assert one.until(b"\r\n\r\n").startswith(b"HTTP/1.1 500 ")
        one.until(b'"logid": ""}')
    assert "ValueError: no answer" in caplog.text


def test_an_error_within_the_reply_cuts_it(serve, client, caplog) -> None:
    closed = []

    class Body:
        def __iter__(self):
            yield b"begun"
            raise ValueError("in the middle")

        def close(self):
            closed.append(True)

    got = client(serve(answering(Body))).send(GET).to_end()
    assert got.endswith(b"5\r\nbegun\r\n")
    assert closed == [True]


def test_exc_info_takes_the_place_of_what_was_started(serve, client) -> None:
    import sys

    def app(environ, start_response):
        start_response("200 OK", [TEXT])
        try:
            raise ValueError("late")
        except ValueError:
            start_response("502 Bad Gateway", [], sys.exc_info())
        return [b"instead"]

    one = client(serve(app)).send(GET)
    assert one.until(b"\r\n\r\n").startswith(b"HTTP/1.1 502 Bad Gateway")


def test_a_file_is_sent_from_where_it_stands(serve, client, tmp_path) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(range(256)) * 20_000)
    opened = []

    def app(environ, start_response):
        opened.append(file.open("rb"))
        opened[-1].seek(100)
        start_response("200 OK", [TEXT])
        return environ["wsgi.file_wrapper"](opened[-1])

    one = client(serve(app)).send(GET + GET)
    for _ in range(2):
        size = int(re.search(rb"Content-Length: (\d+)", one.until(b"\r\n\r\n"))[1])
        assert one.exactly(size) == file.read_bytes()[100:]
    assert [each.closed for each in opened] == [True, True]


def test_a_client_that_leaves_is_noticed_while_the_reply_is_made(serve, client) -> None:
    import threading

    left = threading.Event()

    def parts():
        try:
            while True:
                yield b"x" * 100_000
        except GeneratorExit:
            left.set()
            raise

    one = client(serve(answering(parts))).send(GET)
    one.until(b"\r\n\r\n")
    one.sock.close()
    assert left.wait(30)
