"""What the head of a request says, however its bytes come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.http.parse import START, head, refused

pytestmark = pytest.mark.usefixtures("native")

WHOLE = (
    b"POST /a%20b/c?x=1&y=%20 HTTP/1.1\r\nHost: example.com:8080\r\nuser-agent:curl/8.5.0  \r\n"
    b"Accept: \t */* \r\nX-Empty:\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n"
)


def test_a_head_is_read() -> None:
    assert head(WHOLE + b"hello") == {
        "method": b"POST",
        "target": b"/a%20b/c?x=1&y=%20",
        "path": b"/a%20b/c",
        "query": b"x=1&y=%20",
        "host": b"example.com:8080",
        "size": len(WHOLE),
        "minor": 1,
        "content_length": 5,
        "chunked": False,
        "keep_alive": True,
        "expects_continue": True,
        "upgrade": False,
        "fields": [
            (b"Host", b"example.com:8080"),
            (b"user-agent", b"curl/8.5.0"),
            (b"Accept", b"*/*"),
            (b"X-Empty", b""),
            (b"Content-Length", b"5"),
            (b"Expect", b"100-Continue"),
        ],
    }


@pytest.mark.parametrize("front", [b"", b"\r\n"])
def test_every_prefix_is_partial(front: bytes) -> None:
    data = front + WHOLE
    for size in range(len(data)):
        assert head(data[:size]) is None
        assert head(data, (size,)) == head(data)
    assert head(data, tuple(range(len(data)))) == head(data)
    assert head(data)["size"] == len(data)


def test_only_one_empty_line_is_passed_over() -> None:
    assert refused(b"\r\n\r\n" + WHOLE)[0] == 400
    assert refused(b"\n" + WHOLE)[0] == 400


PIECES = (
    *(b"\r\n", b"\n", b"\r", b" ", b":", b"\t", b"\x00", b"a", b"%", b"#", b"?", b"\xff"),
    *(b"GET / HTTP/1.1\r\n", b"GET ", b"/", b" HTTP/1.1", b"PRI ", b"Host: a\r\n", b"X-Y: z\r\n"),
    *(b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n"),
    b"long" * 9,
)


@given(st.lists(st.sampled_from(PIECES), max_size=14).map(b"".join), st.booleans())
def test_the_answer_does_not_depend_on_the_parts(data: bytes, begun: bool) -> None:
    """Neither does what comes behind an answer."""
    if begun:
        data = START + data
    options = {"line": 40, "most": 90, "fields": 4}
    answer = None
    for size in range(len(data) + 1):
        at_once = head(data[:size], **options)
        assert answer is None or at_once == answer
        answer = at_once
    assert head(data, tuple(range(len(data) + 1)), **options) == answer
    assert head(data, tuple(range(0, len(data), 7)), **options) == answer
