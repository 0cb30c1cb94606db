"""Heads, bodies, environs and headers of proxies: the corpus, and damaged streams at random.

Every part lies in memory of exactly its size. Arguments: how many rounds, and the seed.
"""

import gc
import sys
from random import Random

from tests.core.http.corpus import CASES
from tests.core.http.hostile import damage, some_stream
from tests.core.http.parse import body, head, stream
from tests.core.http.test_environ import FIXED, UNIX, environ
from tests.core.http.test_proxies import BAD, GOOD

from pie._core import native

assert native is not None
FORWARDED = [b"X-Forwarded-For: 1.2.3.4, [::1]:1,10.0.0.1", b"X-Forwarded-Host: a:1, b"]
FORWARDED += [b"X-Forwarded-Proto: https", b"X-Forwarded-Prefix: /a%20/", b"X-A: 1", b"x-a: 2"]
TRUSTED = ("10.0.0.0/8", "unix", "::1")


def some_environ(random: Random, data: bytes) -> None:
    """Of the head at the front, if it is a good one."""
    lines = data.split(b"\r\n")
    lines[1:1] = random.sample(FORWARDED, random.randrange(len(FORWARDED)))
    changed = damage(random, b"\r\n".join(lines))
    if isinstance(head(changed), dict):
        peer = random.choice(["10.0.0.1:4711", "[::1]:4711", "unix", "1.2.3.4:5"])
        size = random.choice([-1, 0, 7])
        environ(changed, peer, random.choice([FIXED, UNIX]), size, TRUSTED)


def one_round(random: Random) -> None:
    data = some_stream(random)
    assert stream(data) == stream(data, random.choice([1, 2, 5]))
    some_environ(random, data)
    limits = {"line": random.randrange(60), "most": random.randrange(120)}
    head(data, tuple(range(len(data))), **limits, fields=random.randrange(4))
    body(*(data[at : at + 3] for at in range(0, len(data), 3)), most=random.randrange(20))
    native.http_proxy(damage(random, random.choice([*BAD, *(each for each, _ in GOOD)])))


def main(rounds: int, seed: int) -> None:
    for case in CASES:
        step = 1 if len(case.data) < 2000 else 1999
        assert stream(case.data) == stream(case.data, step)
    random = Random(seed)
    for _ in range(rounds * 10):
        one_round(random)
    gc.collect()


main(int(sys.argv[1]), int(sys.argv[2]))
