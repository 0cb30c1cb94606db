"""Requests of many kinds, and what spoils them; always the same for one seed."""

import contextlib
import socket
from collections.abc import Iterator, Sequence
from random import Random

PROXY = b"PROXY TCP4 10.1.2.3 10.0.0.1 4711 80\r\n"
BREAKS = [
    b"\r\n", b"\n", b"\r", b"\0", b":", b" ", b"\t", b",", b";", b"0", b"-1", b"\xff", b"\r\n\r\n",
    b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n",
    b"Connection: close\r\n", b"Host: b\r\n", b"0\r\n\r\n", b"ffffffffffffffff\r\n", b"HTTP/1.0",
    PROXY, b"\r\n\r\n\0\r\nQUIT\n",
]  # fmt: skip


def chunked(data: bytes, random: Random) -> bytes:
    made = b""
    while data:
        size = min(len(data), random.choice([1, 2, 100, 70_000]))
        made += b"%x%s\r\n%s\r\n" % (size, random.choice([b"", b";a=b"]), data[:size])
        data = data[size:]
    return made + random.choice([b"0\r\n\r\n", b"0\r\nA: b\r\n\r\n"])


def requests(random: Random, queries: Sequence[str]) -> Iterator[bytes]:
    """Valid ones: a verb and a body for each query."""
    for query in queries:
        verb = random.choice([b"GET", b"POST", b"HEAD", b"PUT"])
        version = random.choice([b"1.1", b"1.1", b"1.0"])
        head = b"%s /a/b?%s HTTP/%s\r\nHost: a\r\n" % (verb, query.encode(), version)
        head += b"X-%d: y\r\n" % random.randrange(1000) * random.choice([0, 1, 90])
        head += random.choice([b"", b"Expect: 100-continue\r\n", b"Connection: keep-alive\r\n"])
        body = b"b" * random.choice([0, 1, 5, 500, 1001, 80_000, 1_100_000])
        if random.random() < 0.3 and version == b"1.1" and len(body) < 100_000:
            yield head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(body, random)
        else:
            yield head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def damage(random: Random, data: bytes) -> bytes:
    """Some bytes gone, doubled, changed or put in; most often in the head."""
    made = bytearray(data)
    for _ in range(random.choice([1, 1, 2, 5])):
        at = random.randrange(min(len(made), random.choice([30, 300, 100_000])) or 1)
        match random.randrange(5):
            case 0:
                del made[at : at + random.choice([1, 2, 20])]
            case 1:
                made[at:at] = random.choice(BREAKS)
            case 2:
                made[at : at + 1] = bytes([random.randrange(256)])
            case 3:
                made[at:at] = made[at : at + 40]
            case 4:
                del made[at + random.randrange(200) :]
        if not made:
            break
    return bytes(made)


def attack(port: int, data: bytes, random: Random) -> None:
    """Send it in some way, and leave in another."""
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", port), timeout=5) as sock,
    ):
        step = random.choice([len(data) or 1, 7 + len(data) // 3, 1 + len(data) // 2])
        for at in range(0, len(data), step):
            sock.sendall(data[at : at + step])
        if random.random() < 0.5:
            sock.settimeout(random.choice([0.001, 0.05]))
            sock.recv(random.choice([1, 100, 65536]))
        elif random.random() < 0.3:
            sock.shutdown(socket.SHUT_WR)
            sock.settimeout(0.2)
            while sock.recv(65536):
                pass
