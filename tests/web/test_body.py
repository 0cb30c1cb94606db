"""Bodies of requests: read as servers give them, and broken ones are the caller's doing."""

import io
from collections.abc import Callable
from typing import Any

import pytest

import pie.web.body
from pie.web.body import BrokenBody, RequestBody
from pie.web.reply import Refusal

TEXT = b"one\ntwo\nthree"


class Slowly(io.BytesIO):
    """Gives a few bytes at a time, as a socket may."""

    def read(self, size: Any = -1) -> bytes:
        return super().read(min(size, 3) if size >= 0 else 3)


@pytest.fixture(params=[io.BytesIO, Slowly])
def source(request: pytest.FixtureRequest) -> Callable[[bytes], Any]:
    return request.param  # type: ignore[no-any-return]


def test_it_never_reads_beyond_the_length(source: Any) -> None:
    body = RequestBody(source(TEXT + b"the next request"), len(TEXT))
    assert body.read(2) + body.read() == TEXT
    assert (body.read(), body.read(5), body.readline(), body.count) == (b"", b"", b"", len(TEXT))


def test_lines() -> None:
    body = RequestBody(io.BytesIO(TEXT + b"the next request"), len(TEXT))
    assert (body.readline(2), body.readline()) == (b"on", b"e\n")
    assert list(body) == [b"two\n", b"three"]
    body = RequestBody(io.BytesIO(TEXT), None)
    assert body.readlines() == [b"one\n", b"two\n", b"three"]
    assert RequestBody(io.BytesIO(TEXT), len(TEXT)).readlines(5) == [b"one\n", b"two\n"]


def test_there_is_no_way_past_it() -> None:
    body = RequestBody(io.BufferedReader(io.BytesIO(TEXT)), len(TEXT))
    buffer = bytearray(5)
    assert (body.readinto(buffer), bytes(buffer), body.count) == (5, TEXT[:5], 5)
    assert body.readable()
    assert not any(hasattr(body, name) for name in ("read1", "peek", "readinto1"))


@pytest.mark.parametrize("ask", ["read", "readline", "readlines"])
def test_an_early_end_is_an_error(source: Any, ask: str) -> None:
    body = RequestBody(source(b"12345"), 9)
    with pytest.raises(BrokenBody, match=r"ended after 5 of 9 bytes"):
        while getattr(body, ask)():
            pass
    assert body.broken is not None
    with pytest.raises(BrokenBody):
        body.read()
    assert body.failure(400).kind == "invalid"
    assert (body.failure(500).code, body.failure(403).code) == (400, 403)


def test_what_the_server_raises_is_a_broken_body() -> None:
    class Damaged(Exception):
        pass

    class Source:
        def read(self, size: int = -1) -> bytes:
            raise Damaged("chunk")

    body = RequestBody(Source(), None)
    with pytest.raises(BrokenBody, match="cannot be read: chunk"):
        body.read()
    body = RequestBody(io.BytesIO(TEXT), None)
    with pytest.raises(TypeError):
        body.read("all")  # type: ignore[arg-type]
    assert body.broken is None  # That was the reader's mistake.


@pytest.mark.parametrize("size", [0, 5, 200_000])
def test_a_body_without_a_length_is_spooled(monkeypatch: Any, size: int) -> None:
    monkeypatch.setattr(pie.web.body, "_IN_MEMORY", 1000)
    body = RequestBody(io.BytesIO(b"x" * size), None)
    assert body.spool() == size
    assert body.read() == b"x" * size
    body.close()


def test_one_that_is_too_long_is_refused(monkeypatch: Any) -> None:
    monkeypatch.setattr(pie.web.body, "MAX_SPOOLED", 100_000)
    body = RequestBody(io.BytesIO(b"x" * 300_000), None)
    with pytest.raises(Refusal) as caught:
        body.spool()
    assert caught.value.code == 413
    body.close()
