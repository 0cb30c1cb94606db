"""The head of a request and a chunked body, read by the extension in C."""

from typing import Any, NamedTuple

from hypothesis import HealthCheck, settings

from pie._core import native

steady = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Of properties: a busy machine fails none."""

LINE, HEAD, FIELDS, BODY = 16384, 65536, 100, 1 << 20
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


def body(*parts: bytes, most: int = BODY) -> Any:
    """(body, bytes taken or None for more); (status, text)."""
    assert native is not None
    return native.http_chunks(parts, most)


class Request(NamedTuple):
    """A request as it is read off a stream."""

    method: bytes
    target: bytes
    fields: list[tuple[bytes, bytes]]
    body: bytes
    host: bytes = b""
    keep_alive: bool = True


class Stream(NamedTuple):
    """What was read off a stream: until a request was refused, or was not whole."""

    requests: list[Request]
    refusal: tuple[int, str] | None = None
    left: bytes = b""
    """From where the request begins that is refused or not whole."""


def stream(data: bytes, step: int | None = None) -> Stream:
    """All requests of a connection to its end, which come ``step`` bytes at a time, or at once."""
    requests: list[Request] = []
    while data:
        cuts = tuple(range(step, len(data), step)) if step else ()
        found = head(data, cuts)
        if not isinstance(found, dict):
            return Stream(requests, found, data)
        rest = data[found["size"] :]
        if found["chunked"]:
            size = step or len(rest) or 1
            content = body(*(rest[at : at + size] for at in range(0, len(rest), size)))
            if isinstance(content[0], int):
                return Stream(requests, content, data)
            if content[1] is None:
                return Stream(requests, None, data)
            whole, taken = content
        else:
            taken = max(0, found["content_length"])
            if taken > BODY:
                return Stream(requests, (413, "the body is longer than this server takes"), data)
            if len(rest) < taken:
                return Stream(requests, None, data)
            whole = rest[:taken]
        fields = [found["method"], found["target"], found["fields"], whole, found["host"]]
        requests.append(Request(*fields, found["keep_alive"]))
        data = rest[taken:]
        if not found["keep_alive"]:
            break
    return Stream(requests)
