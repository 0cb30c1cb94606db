"""The standard library's validator of PEP 3333 between the server and an application that uses
everything."""

import wsgiref.validate

import pytest

HOST = b"Host: a\r\n"
TEXT = [("Content-Type", "text/plain")]


def of_every_kind(environ, start_response):
    stream = environ["wsgi.input"]
    read = b"".join([stream.read(2), stream.readline(), *stream.readlines(10), *stream])
    environ["wsgi.errors"].write("")
    environ["wsgi.errors"].flush()
    match environ["PATH_INFO"]:
        case "/none":
            start_response("204 No Content", [])
            return []
        case "/write":
            start_response("200 OK", TEXT)(b"written ")
            return [read]
        case "/parts":
            start_response("200 OK", TEXT)
            return (part for part in [b"", b"parts ", read])
        case "/error":
            start_response("200 OK", TEXT)
            try:
                raise ValueError
            except ValueError as error:
                info = type(error), error, error.__traceback__
                start_response("500 Internal Server Error", [*TEXT, ("X-A", "b")], info)
            return [b"error ", read]
        case path:
            start_response("200 OK", [*TEXT, ("Content-Length", str(len(path) + len(read)))])
            return [path.encode("latin-1"), read]


@pytest.mark.parametrize("path", ["none", "write", "parts", "error", "%ff%C3%A9?a=%20", ""])
@pytest.mark.parametrize("verb", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize("body", ["", "length", "chunks", "long"])
def test_the_validator_finds_nothing(serve, client, path, verb, body, caplog, capfd) -> None:
    sent = b"1\n23\n456\n" * (1 if body != "long" else 20_000)
    if body == "chunks":
        rest = b"Transfer-Encoding: chunked\r\n\r\n9\r\n" + sent + b"\r\n0\r\n\r\n"
    elif body:
        rest = b"Content-Length: %d\r\n\r\n" % len(sent) + sent
    else:
        rest = b"\r\n"
    port = serve(wsgiref.validate.validator(of_every_kind), memory_limit=1000)
    one = client(port)
    one.send(f"{verb} /{path} HTTP/1.1\r\n".encode() + HOST + b"Connection: close\r\n" + rest)
    head, _, got = one.to_end().partition(b"\r\n\r\n")
    status = {"none": b"204", "error": b"500"}.get(path, b"200")
    assert head.startswith(b"HTTP/1.1 " + status)
    ends = verb != "HEAD" and path != "none"
    if b"chunked" in head:
        assert got.endswith(b"0\r\n\r\n") == ends
    elif body:
        assert got.endswith(sent) == ends
    assert [each for each in caplog.records if each.name == "pie.web"] == []
    assert capfd.readouterr().err == ""
