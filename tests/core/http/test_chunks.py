"""A chunked body is decoded as it comes, within bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.http.parse import body, steady

pytestmark = pytest.mark.usefixtures("native")

SIZES = st.sampled_from(["{:x}", "{:X}", "{:04x}", "{:x};a", '{:x};a=b;c="d\\"e"'])
CHUNKS = st.lists(st.tuples(st.binary(min_size=1, max_size=40), SIZES), max_size=6)


@steady
@given(CHUNKS, st.sampled_from([b"", b"X: y\r\n", b"X:\r\nY: z\r\n"]), st.integers(1, 60))
def test_a_body_in_whatever_parts(
    chunks: list[tuple[bytes, str]], trailers: bytes, step: int
) -> None:
    coded = b"".join(
        form.format(len(data)).encode() + b"\r\n" + data + b"\r\n" for data, form in chunks
    )
    coded += b"0\r\n" + trailers + b"\r\n"
    whole = b"".join(data for data, _ in chunks)
    sent = coded + b"GET / HTTP/1.1\r\n"
    assert body(sent) == (whole, len(coded))
    parts = [sent[at : at + step] for at in range(0, len(sent), step)]
    assert body(*parts) == (whole, len(coded))
    for size in range(len(coded)):
        found, taken = body(coded[:size])
        assert taken is None
        assert whole.startswith(found)


@steady
@given(
    st.lists(st.sampled_from([b"5", b"\r\n", b"0", b";", b"a", b"=", b'"', b"\n", b"\r", b": "]))
)
def test_the_answer_does_not_depend_on_the_parts(parts: list[bytes]) -> None:
    data = b"".join(parts)
    assert body(data, most=9) == body(*(data[at : at + 1] for at in range(len(data))), most=9)


def test_a_body_that_is_too_large_is_refused_before_it_comes() -> None:
    assert body(b"5\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n", most=10) == (b"hellohello", 25)
    assert body(b"5\r\nhello\r\n6\r\n", most=10)[0] == 413
    assert body(b"5\r\nhello\r\nffffffffffffffff\r\n", most=(1 << 64) - 1)[0] == 413
    assert body(b"0\r\n\r\n", most=0) == (b"", 5)


def test_extensions_may_take_as_much_as_data() -> None:
    """The work that a body makes is bounded by its data."""
    small = b"1;" + b"a" * 1000 + b"\r\nx\r\n"
    assert body(small * 16)[1] is None
    assert body(small * 17) == (400, "the extensions of chunks are too long")
    large = b"400;" + b"a" * 1000 + b"\r\n" + b"x" * 1024 + b"\r\n"
    assert body(large * 100)[0] == b"x" * 102_400


def test_trailers_do_not_count_extensions() -> None:
    small = b"1;" + b"a" * 1000 + b"\r\nx\r\n"
    trailers = b"X: " + b"a" * 8000 + b"\r\n"
    assert body(small * 16 + b"0\r\n" + trailers + b"\r\n")[0] == b"x" * 16
    assert body(b"0\r\n" + trailers * 2) == (400, "the trailers are too long")
