"""What the head of a request says, however its bytes come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.http.parse import START, head, refused, steady

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


@steady
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


def fields(*lines: str, line: str = "GET / HTTP/1.1") -> dict[str, object]:
    return head("\r\n".join([line, "Host: a", *lines, "", ""]).encode())


@pytest.mark.parametrize(
    ("lines", "expects"),
    [
        (["Expect: 100-continue"], False),
        (["Expect: 100-continue", "Content-Length: 0"], False),
        (["Expect: 100-CONTINUE", "Content-Length: 1"], True),
        (["Expect: 100-continue", "Transfer-Encoding: chunked"], True),
        (["Content-Length: 1"], False),
    ],
)
def test_continue_is_expected_where_a_body_follows(lines: list[str], expects: bool) -> None:
    assert fields(*lines)["expects_continue"] is expects
    if "chunked" not in lines[-1]:
        assert fields(*lines, line="GET / HTTP/1.0")["expects_continue"] is False


def test_another_protocol_is_asked_for_by_two_fields() -> None:
    assert fields("Upgrade: websocket", "Connection: keep-alive, Upgrade")["upgrade"] is True
    assert fields("Upgrade: websocket")["upgrade"] is False
    assert fields("Connection: Upgrade")["upgrade"] is False


def test_the_largest_length() -> None:
    assert fields("Content-Length: 999999999999999999")["content_length"] == 10**18 - 1
    assert refused(START + b"Content-Length: 1000000000000000000\r\n\r\n")[0] == 413


@pytest.mark.parametrize("limit", [14, 15, 16])
def test_the_limit_of_the_request_line(limit: int) -> None:
    data = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = head(data, line=limit)
    assert head(data, tuple(range(len(data))), line=limit) == answer
    assert isinstance(answer, dict) is (limit >= 15)
    assert head(b"\r\n" + data, line=limit) == (
        answer if limit < 15 else head(b"\r\n" + data, tuple(range(len(data))))
    )


@pytest.mark.parametrize("limit", [28, 29, 30])
def test_the_limit_of_the_head(limit: int) -> None:
    data = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = head(data + b"behind", most=limit)
    assert head(data, tuple(range(len(data))), most=limit) == answer
    assert answer == (head(data) if limit >= len(data) else (431, "the head is too long"))


def test_an_error_is_told_when_its_line_ends() -> None:
    """A client that waits for the answer need not end its head first."""
    assert head(START + b"X : y") is None
    assert refused(START + b"X : y\r\n")[0] == 400
    assert refused(b"\x16\x03")[1] == "these are bytes of TLS: this port serves plain HTTP"
    assert refused(b"\0")[1] == "these bytes begin no HTTP request"


def test_many_parts_of_many_lines() -> None:
    lines = [f"X-{n}: {'v' * (n * 7 % 600)}" for n in range(98)]
    data = "\r\n".join(["GET /" + "a" * 9000 + " HTTP/1.1", "Host: a", *lines, "", ""]).encode()
    whole = head(data)
    assert [name for name, _ in whole["fields"][1:]] == [f"X-{n}".encode() for n in range(98)]
    for step in (97, 1460):
        assert head(data, tuple(range(0, len(data), step))) == whole
