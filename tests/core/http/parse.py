"""The head of a request and a chunked body, read by the extension in C."""

from typing import Any

from pie._core import native

LINE, HEAD, FIELDS = 16384, 65536, 100
START = b"GET / HTTP/1.1\r\nHost: a\r\n"


def head(
    data: bytes,
    cuts: tuple[int, ...] = (),
    line: int = LINE,
    most: int = HEAD,
    fields: int = FIELDS,
) -> Any:
    """A dict of it; (status, text); None where more bytes are needed."""
    assert native is not None
    return native.http_head(data, line, most, fields, cuts)


def refused(data: bytes, **options: Any) -> tuple[int, str]:
    """The status and the sentence, which must not depend on how the bytes come."""
    answer = head(data, **options)
    assert isinstance(answer, tuple), answer
    if len(data) < 2000:
        assert head(data, tuple(range(len(data))), **options) == answer
    return answer


def body(*parts: bytes, most: int = 1 << 20) -> Any:
    """(body, bytes taken or None for more); (status, text)."""
    assert native is not None
    return native.http_chunks(parts, most)
