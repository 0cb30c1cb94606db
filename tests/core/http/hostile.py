"""Streams of requests at random: good ones, doubtful ones, those of the corpus, often damaged."""

from random import Random

from tests.core.http.corpus import CASES

METHODS = [b"GET", b"POST", b"OPTIONS", b"PUT"]
TARGETS = [b"/", b"/", b"/", b"/a/b?c=d", b"/%20", b"http://b/x", b"*", b"//x", b"/?a?b", b"/a\\b"]
TARGETS += [b'/a|b{}^"<>`', b"http://b", b"HTTPS://B:1/", b"/a?\xe4"]
FIELDS = [b"X: y", b"X:", b"Content-Length: 3", b"Content-Length: 0", b"content-length:5"]
FIELDS += [b"Transfer-Encoding: chunked", b"Connection: close", b"Connection: keep-alive"]
FIELDS += [b"X-Y: a\tb c", b"Expect: 100-continue", b"Accept: */*, a;q=1", b"X: \xe4", b"Host: b"]
FIELDS += [b"Cookie: a=b; c", b"Trailer: x", b"TE: trailers", b"!#$%&'*+-.^_`|~: z"]
BODIES = [b"", b"hello", b"abc", b"5\r\nhello\r\n0\r\n\r\n", b"0\r\n\r\n"]
BODIES += [b"3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n"]
BITS = [b"\r\n", b"\n", b"\r", b" ", b"\t", b"\0", b":", b";", b",", b"0", b"5", b"\x7f", b"\x80"]
BITS += [b"#", b"%", b"a", b"\x0b"]
SHORT = [case.data for case in CASES if len(case.data) < 600]


def some_request(random: Random) -> bytes:
    fields = random.choices(FIELDS, k=random.randrange(4))
    if random.random() < 0.95:
        fields.insert(random.randrange(len(fields) + 1), b"Host: a")
    line = b" ".join([random.choice(METHODS), random.choice(TARGETS), b"HTTP/1.1"])
    return b"\r\n".join([line, *fields, b"", random.choice(BODIES)])


def damage(random: Random, data: bytes) -> bytes:
    made = bytearray(data)
    for _ in range(random.choice([0, 0, 1, 1, 2, 3])):
        at = random.randrange(len(made) + 1)
        match random.randrange(4):
            case 0:
                made[at : at + 1] = random.choice(BITS)
            case 1:
                made[at:at] = random.choice(BITS)
            case 2:
                del made[at : at + random.randrange(1, 4)]
            case _:
                made[at:at] = made[max(0, at - random.randrange(30)) : at]
    return bytes(made)


def some_stream(random: Random) -> bytes:
    if random.random() < 0.3:
        return damage(random, random.choice(SHORT))
    requests = [some_request(random) for _ in range(random.randrange(1, 4))]
    return damage(random, b"".join(requests))
