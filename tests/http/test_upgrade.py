"""Connections that an application takes over, as WebSocket libraries do."""

import pytest

ASK = b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"


def test_an_application_speaks_another_protocol(serve, client) -> None:
    late = []

    def app(environ, start_response):
        sock = environ.get("gunicorn.socket")
        if sock is None or environ["PATH_INFO"] == "/ignore":
            late.append(sock)
            start_response("200 OK", [("Content-Length", "4")])
            return [b"http"]
        sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        while data := sock.recv(100):
            sock.sendall(data.upper())
            if data == b"end":
                raise StopIteration
        return []

    one = client(port := serve(app))
    assert one.send(ASK % b"/ignore").until(b"http").startswith(b"HTTP/1.1 200 OK\r\n")
    with pytest.raises(OSError, match="has been answered"):
        late[0].recv(1)
    one.send(ASK % b"/").until(b"\r\n\r\n")  # On the same connection.
    assert one.send(b"ping").exactly(4) == b"PING"
    assert client(port).send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").until(b"http")
    assert one.send(b"end").to_end() == b"END"
    early = client(port).send(ASK % b"/" + b"GET")  # Which would be lost.
    assert early.until(b"http").startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_reply_that_has_begun_goes_on(serve, client) -> None:
    def app(environ, start_response):
        write = start_response("200 OK", [("Content-Length", "10")])
        write(b"begun")
        try:
            environ["gunicorn.socket"].sendall(b"no")
        except OSError:
            return [b" ends"]
        return []

    assert client(serve(app)).send(ASK % b"/").until(b"ends").endswith(b"\r\n\r\nbegun ends")
