"""Applications that break the rules: the server keeps its own, and serves the next request."""

import gzip
import io
import os
import threading

import pytest

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
FINE = b"GET /fine HTTP/1.1\r\nHost: a\r\n\r\n"


def beside_fine(app):
    """The application, and one that answers /fine as it should."""

    def both(environ, start_response):
        if environ["PATH_INFO"] == "/fine":
            start_response("200 OK", [])
            return [b"fine"]
        return app(environ, start_response)

    return both


def is_fine(one) -> bool:
    head = one.send(FINE).until(b"\r\n\r\n")
    return head.startswith(b"HTTP/1.1 200 ") and one.exactly(4) == b"fine"


def test_writing_from_another_thread_is_refused(serve, client) -> None:
    raised = []

    def app(environ, start_response):
        def other():
            for _ in range(100):
                try:
                    write(b"x" * 2_000_000)
                except RuntimeError as error:
                    raised.append(str(error))

        write = start_response("200 OK", [])
        thread = threading.Thread(target=other)
        thread.start()
        for _ in range(100):
            write(b"y")
        thread.join()
        return []

    one = client(serve(app)).send(GET)
    _, _, body = one.until(b"0\r\n\r\n").partition(b"\r\n\r\n")
    assert body == b"1\r\ny\r\n" * 100 + b"0\r\n\r\n"
    assert len(raised) == 100
    assert "thread" in raised[0]


def test_what_was_kept_of_a_request_is_of_no_use_after_it(serve, client) -> None:
    kept = []

    def app(environ, start_response):
        kept.append((start_response("200 OK", []), environ["wsgi.input"]))
        return [b"one"]

    one = client(serve(app, memory_limit=1))
    one.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
    one.until(b"100 Continue\r\n\r\n")
    one.send(b"body").until(b"one")
    one.send(GET).until(b"one")
    with pytest.raises(RuntimeError, match="has been answered"):
        kept[0][0](b"late")
    with pytest.raises(RuntimeError, match="has been answered"):
        kept[0][0]("200 OK", [])
    assert kept[0][1].closed


@pytest.mark.parametrize("how", ["list", "parts", "write"])
def test_a_child_that_comes_back_sends_nothing(serve, client, how) -> None:
    children = []

    def fork(text):
        child = os.fork()
        if child:
            children.append(child)
            os.waitpid(child, 0)
            return b"parent" + text
        return b"child" * 100_000

    def app(environ, start_response):
        write = start_response("200 OK", [])
        if how == "write":
            write(fork(b"."))
            return []
        return [fork(b".")] if how == "list" else (fork(text) for text in (b".", b"!"))

    one = client(serve(beside_fine(app))).send(GET)
    got = one.until(b"parent!" if how == "parts" else b"parent.")
    assert b"child" not in got
    if how != "list":
        one.until(b"0\r\n\r\n")
    assert is_fine(one)
    assert children


def test_a_header_that_clears_the_list_while_it_is_told(serve, client) -> None:
    headers = []

    class Name:
        def __repr__(self):
            headers.clear()
            return "x" * 1000

    def app(environ, start_response):
        for _ in range(100):
            headers.append((Name(), "a" * 10))
            with pytest.raises(TypeError):
                start_response("200 OK", headers)
        start_response("200 OK", [])
        return [b"fine"]

    client(serve(app)).send(GET).until(b"\r\n\r\nfine")


def test_arguments_by_name(serve, client) -> None:
    def app(environ, start_response):
        start_response(status="200 OK", response_headers=[("A", "b")], exc_info=None)
        return [b"fine"]

    assert b"A: b\r\n" in client(serve(app)).send(GET).until(b"\r\n\r\nfine")


@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), StopIteration()]
)
@pytest.mark.parametrize("where", ["call", "parts"])
def test_errors_of_every_kind(serve, client, error, where, caplog) -> None:
    def parts():
        raise error
        yield b""

    def app(environ, start_response):
        start_response("200 OK", [])
        if where == "call":
            raise error
        return parts()

    one = client(serve(beside_fine(app))).send(GET)
    assert one.until(b'"logid": ""}').startswith(b"HTTP/1.1 500 ")
    assert is_fine(one)


@pytest.mark.parametrize(
    "body", [None, 5, "text", b"bytes", [5], ["text"], [b"a", None], (b"a", [])]
)
def test_bodies_that_are_none(serve, client, body, caplog) -> None:
    def app(environ, start_response):
        start_response("200 OK", [])
        return body

    port = serve(beside_fine(app))
    one = client(port).send(GET)
    assert one.sock.recv(1 << 16).startswith(b"HTTP/1.1 500 ") or one.to_end() == b""
    assert "GET / of 127.0.0.1" in caplog.text
    assert is_fine(client(port))


def test_the_application_returns_what_it_was_given(serve, client, caplog) -> None:
    port = serve(beside_fine(lambda environ, start_response: start_response("200 OK", [])))
    one = client(port).send(GET)
    assert one.until(b'"logid": ""}').startswith(b"HTTP/1.1 500 ")
    assert is_fine(one)


def test_an_error_when_the_body_is_closed_does_not_cut_the_reply(serve, client, caplog) -> None:
    class Body:
        def __iter__(self):
            return iter([b"one", b"two"])

        def close(self):
            raise ValueError("not closed")

    def app(environ, start_response):
        start_response("200 OK", [])
        return Body()

    one = client(serve(beside_fine(app))).send(GET)
    assert one.until(b"0\r\n\r\n").endswith(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
    assert is_fine(one)
    assert "ValueError: not closed" in caplog.text


@pytest.mark.parametrize("kind", ["list", "parts"])
def test_an_error_behind_a_whole_reply_does_not_cut_it(serve, client, kind, caplog) -> None:
    size = 900_000

    def parts():
        yield b"x" * size
        raise ValueError("behind it")

    def app(environ, start_response):
        start_response("200 OK", [("Content-Length", str(size))])
        return parts() if kind == "parts" else [b"x" * size, 5]

    one = client(serve(beside_fine(app))).send(GET)
    one.until(b"\r\n\r\n")
    assert one.exactly(size) == b"x" * size
    assert is_fine(one)
    assert "GET / of 127.0.0.1" in caplog.text


def test_an_error_at_a_path_of_any_bytes_is_logged(serve, client, caplog) -> None:
    def app(environ, start_response):
        raise ValueError("no answer")

    one = client(serve(app)).send(b"GET /\xff\xe9 HTTP/1.1\r\nHost: a\r\n\r\n")
    one.until(b'"logid": ""}')
    assert "ValueError: no answer" in caplog.text or "by 400" in caplog.text


def endless(environ, start_response):
    write = start_response("200 OK", [])
    if environ["QUERY_STRING"] == "write":
        while True:
            write(b"x" * 1000)
    return iter(lambda: b"x" * 1000, None)


@pytest.mark.parametrize(
    ("verb", "query"), [(b"HEAD", b""), (b"HEAD", b"write"), (b"GET", b""), (b"GET", b"write")]
)
def test_an_endless_reply_ends_when_its_client_leaves(serve, client, verb, query, caplog) -> None:
    ended = threading.Event()

    class Watched:
        def __init__(self, body):
            self.body = body

        def __iter__(self):
            return self.body

        def close(self):
            ended.set()

    def app(environ, start_response):
        try:
            return Watched(endless(environ, start_response))
        except BaseException:
            ended.set()
            raise

    one = client(serve(app)).send(verb + b" /?" + query + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    one.until(b"\r\n\r\n")
    one.sock.close()
    assert ended.wait(30)
    assert "failed" not in caplog.text


# --- Files. ---


def sending(make):
    def app(environ, start_response):
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](make())

    return app


def body_of(one) -> bytes:
    head = one.until(b"\r\n\r\n")
    lines = dict(line.split(b": ", 1) for line in head.strip().split(b"\r\n")[1:])
    if b"Content-Length" in lines:
        return one.exactly(int(lines[b"Content-Length"]))
    body = b""
    while size := int(one.until(b"\r\n"), 16):
        body += one.exactly(size)
        one.until(b"\r\n")
    one.until(b"\r\n")
    return body


def test_a_file_of_which_some_was_read(serve, client, tmp_path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789" * 10)

    def make():
        file = (tmp_path / "file").open("rb")
        file.read(5)
        return file

    one = client(serve(sending(make))).send(GET + GET)
    for _ in range(2):
        assert body_of(one) == (b"0123456789" * 10)[5:]


def test_a_file_that_is_not_what_its_descriptor_is(serve, client, tmp_path) -> None:
    with gzip.open(tmp_path / "file.gz", "wb") as file:
        file.write(b"plain" * 100)

    def unpacked():
        return gzip.GzipFile(tmp_path / "file.gz")

    made = iter([unpacked(), io.BufferedReader(unpacked())])
    one = client(serve(sending(made.__next__)))
    assert body_of(one.send(GET)) == b"plain" * 100
    assert body_of(one.send(GET)) == b"plain" * 100


def test_a_file_that_was_written_but_not_to_its_end(serve, client, tmp_path) -> None:
    def make():
        file = (tmp_path / "file").open("w+b")
        file.write(b"0123456789")
        file.seek(2)
        file.write(b"--")
        return file

    assert body_of(client(serve(sending(make))).send(GET)) == b"456789"


def test_a_file_whose_size_the_system_does_not_know(serve, client) -> None:
    one = client(serve(sending(lambda: io.FileIO("/proc/self/status"))))
    assert b"VmRSS" in body_of(one.send(GET))


def test_a_file_that_shrinks_while_it_is_sent(serve, client, tmp_path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * (40 << 20))
    port = serve(beside_fine(sending(lambda: path.open("rb"))))
    one = client(port).send(GET)
    one.until(b"\r\n\r\n")
    os.truncate(path, 1000)
    assert len(one.to_end()) < 40 << 20
    assert is_fine(client(port))


def test_headers_without_end(serve, client) -> None:
    def app(environ, start_response):
        start_response("200 OK", [("X", "y" * 1000)] * 3000)
        return [b"fine"]

    one = client(serve(app)).send(GET)
    assert one.until(b"\r\n\r\nfine").count(b"X: y") == 3000
