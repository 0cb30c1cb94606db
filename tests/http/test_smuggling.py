"""nginx in front, on kept-alive connections: no request is seen that it did not pass on."""

import contextlib
import itertools
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest

INNER = b"GET /smuggled HTTP/1.1\r\nHost: a\r\nX-Front: forged\r\n\r\n"
CODINGS = [
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding : chunked",
    b"Transfer-Encoding:\tchunked",
    b"Transfer-Encoding:\x0bchunked",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: identity, chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
    b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding:\r\n chunked",
    b"Transfer-Encoding\r\n: chunked",
    b" Transfer-Encoding: chunked",
    b"X: y\nTransfer-Encoding: chunked",
    b"X: y\rTransfer-Encoding: chunked",
    b"Transfer_Encoding: chunked",
    b"transfer-encoding: CHUNKED",
    b'Transfer-Encoding: "chunked"',
    b"Transfer-Encoding: chunked\0",
    b"Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked",
]
LENGTHS = [
    b"Content-Length: %d",
    b"Content-Length: +%d",
    b"Content-Length: 0%d",
    b"Content-Length : %d",
    b"Content-Length: %d, 0",
    b"Content-Length: 0\r\nContent-Length: %d",
    b"Content-Length: %d\r\nContent-Length: 0",
    b"Content-Length:\r\n %d",
    b"Content_Length: %d",
    b"X: y\nContent-Length: %d",
    b"X: y\rContent-Length: %d",
    b"Content-Length: %d\x0b",
    b"Content-Length: 0x%x",
    b"Connection: Content-Length\r\nContent-Length: %d",
    b"Expect: 100-continue\r\nContent-Length: %d",
]
CHUNKED = [
    b"0\r\n\r\n" + INNER,
    b"%x\r\n%s\r\n0\r\n\r\n" % (len(INNER), INNER),
    b"1\r\nx\r\n0\r\n" + INNER,
    b"1;a=\n0\r\n\r\n" + INNER,
    b"0\r\nX: y\n\r\n" + INNER,
    b"-1\r\n\r\n" + INNER,
    b"0x0\r\n\r\n" + INNER,
    b"10000000000000000\r\n\r\n" + INNER,
    b"0\n\n" + INNER,
    b"1\r\nxyz0\r\n\r\n" + INNER,
]
TARGETS = [b"/", b"http://b/", b"/ HTTP/1.1\r\nHost: c\r\n\r\nGET /", b"/\thttp", b"/%0d%0a%0d%0a"]


def post(*fields: bytes, path: bytes = b"/plain", verb: bytes = b"POST") -> bytes:
    return b"%s %s HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n" % (verb, path, b"\r\n".join(fields))


def attempts() -> Iterator[bytes]:
    for path, coding, body in itertools.product((b"/plain", b"/stream"), CODINGS, CHUNKED):
        yield post(coding, path=path) + body
        yield post(b"Content-Length: %d" % len(body), coding, path=path) + body
        yield post(coding, b"Content-Length: 6", path=path) + body
    for path, length in itertools.product((b"/plain", b"/stream"), LENGTHS):
        for verb in (b"POST", b"GET", b"HEAD", b"OPTIONS"):
            yield post(length % len(INNER), path=path, verb=verb) + INNER
    for target in TARGETS:
        yield post(b"Content-Length: 5", path=target) + b"12345" + INNER
        yield b"GET " + target + b" HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + INNER
        yield b"GET " + target + b" HTTP/1.0\r\n\r\n" + INNER
        yield b"GET " + target + b"\r\n" + INNER


CONFIGURATION = """
daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1; {user}
events {{}}
http {{
    log_format seen "$request_id"; access_log {folder}/seen.log seen;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    ignore_invalid_headers off; underscores_in_headers on;
    client_header_timeout 1s; client_body_timeout 1s;
    upstream behind {{ server 127.0.0.1:{port}; keepalive 1; }}
    proxy_http_version 1.1; proxy_ignore_client_abort on;
    proxy_set_header Connection ""; proxy_set_header X-Front $request_id;
    server {{
        listen unix:{folder}/front;
        location / {{ proxy_pass http://behind; }}
        location /stream {{ proxy_pass http://behind; proxy_request_buffering off; }}
    }}
}}
"""


@pytest.fixture
def front(tmp_path):
    """Starts nginx before a port; the path of its socket."""
    found = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if found is None:
        pytest.skip("there is no nginx")
    with contextlib.ExitStack() as running:

        def start(port: int) -> str:
            user = "user root;" if os.geteuid() == 0 else ""
            text = CONFIGURATION.format(folder=tmp_path, port=port, user=user)
            (tmp_path / "nginx.conf").write_text(text)
            process = subprocess.Popen(
                [found, "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path)],
                stderr=subprocess.DEVNULL,
            )
            running.callback(process.wait)
            running.callback(process.terminate)
            deadline = time.monotonic() + 30
            while not (tmp_path / "front").exists():
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.01)
            return str(tmp_path / "front")

        yield start


def send(front: str, data: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as sock, contextlib.suppress(OSError):
        sock.settimeout(30)
        sock.connect(front)
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(1 << 16):
            pass


def test_nothing_is_smuggled_past_nginx(serve, front, tmp_path) -> None:
    seen = []

    def app(environ, start_response):
        environ["wsgi.input"].read()
        seen.append(environ.get("HTTP_X_FRONT", f"none: {environ['REQUEST_URI']}"))
        start_response("200 OK", [])
        return [b"fine"]

    path = front(serve(app))
    plain = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    for data in attempts():
        send(path, data)
        send(path, plain + data + plain)
    assert len(seen) > 1000
    deadline = time.monotonic() + 30
    while unknown := set(seen) - set((tmp_path / "seen.log").read_text().split()):
        assert time.monotonic() < deadline, unknown  # nginx logs a request after its reply.
        time.sleep(0.05)
    assert len(set(seen)) == len(seen)
