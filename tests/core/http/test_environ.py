"""The WSGI environ that a head becomes: PEP 3333, and what gunicorn makes of the same bytes."""

import io
import re
import sys
from pathlib import Path
from typing import Any
from wsgiref.validate import check_environ

import pytest
from gunicorn.config import Config
from gunicorn.http import wsgi
from gunicorn.http.parser import RequestParser
from hypothesis import given
from hypothesis import strategies as st
from tests.core.http.parse import steady

from pie._core import native
from pie.web.wsgi import RECEIVED_KEY

pytestmark = pytest.mark.usefixtures("native")

NAMES = Path(__file__).parents[3] / "src" / "pie" / "_core" / "http" / "names.c"
BODY = io.BytesIO()
FIXED: dict[str, Any] = {
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
    "wsgi.input_terminated": True,
    "wsgi.file_wrapper": list,
    "SCRIPT_NAME": "",
    "SERVER_SOFTWARE": "pie",
    "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": "8000",
}
UNIX = {key: value for key, value in FIXED.items() if key not in ("SERVER_NAME", "SERVER_PORT")}


def environ(
    data: bytes,
    peer: str = "10.1.2.3:4711",
    fixed: dict[str, Any] = FIXED,
    body_size: int = -1,
    trusted: tuple[str, ...] = (),
) -> dict[str, Any]:
    assert native is not None
    return native.http_environ(fixed, data, peer, BODY, 1.5, body_size, trusted, 1)


def get(*fields: str, line: str = "GET / HTTP/1.1", **options: Any) -> dict[str, Any]:
    """The environ of a request with a Host and more fields."""
    lines = [line, *fields] if "HTTP/1.0" in line else [line, "Host: example.com", *fields]
    return environ(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"), **options)


def test_an_environ() -> None:
    line = "POST /caf%C3%A9/%2F%zz?q=%20 HTTP/1.1"
    fields = ["Content-Length: 5", "content-type: text/plain", "X-Custom-1: ä", "Accept: */*"]
    assert get(*fields, line=line) == FIXED | {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/cafÃ©//%zz",
        "QUERY_STRING": "q=%20",
        "RAW_URI": "/caf%C3%A9/%2F%zz?q=%20",
        "REQUEST_URI": "/caf%C3%A9/%2F%zz?q=%20",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "10.1.2.3",
        "REMOTE_PORT": "4711",
        "CONTENT_LENGTH": "5",
        "CONTENT_TYPE": "text/plain",
        "HTTP_HOST": "example.com",
        "HTTP_X_CUSTOM_1": "ä",
        "HTTP_ACCEPT": "*/*",
        "wsgi.input": BODY,
        RECEIVED_KEY: 1.5,
    }


@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
@pytest.mark.parametrize("line", ["GET / HTTP/1.1", "OPTIONS * HTTP/1.1", "FIND /a HTTP/1.0"])
@pytest.mark.parametrize("peer", ["10.1.2.3:4711", "[::1]:4711", "unix"])
@pytest.mark.parametrize("fixed", [FIXED, UNIX])
def test_an_environ_is_as_pep_3333_says(line: str, peer: str, fixed: dict[str, Any]) -> None:
    check_environ(get("X-A: b", line=line, peer=peer, fixed=fixed))


def test_the_keys_that_pie_reads() -> None:
    made = get("Pie-To: a.b.c", "X-Tt-Logid: 1", "traceparent: 2", "Rpc-Persist-Lane: blue")
    assert [made[f"HTTP_{key}"] for key in ("PIE_TO", "X_TT_LOGID", "TRACEPARENT")] == [
        "a.b.c",
        "1",
        "2",
    ]
    assert made["HTTP_RPC_PERSIST_LANE"] == "blue"


def test_a_chunked_body_has_a_length_once_it_is_there() -> None:
    made = get("Transfer-Encoding: chunked")
    assert made["HTTP_TRANSFER_ENCODING"] == "chunked"
    assert made["wsgi.input_terminated"] is True
    assert "CONTENT_LENGTH" not in made
    made = get("Transfer-Encoding: chunked", body_size=7)
    assert "HTTP_TRANSFER_ENCODING" not in made
    assert made["CONTENT_LENGTH"] == "7"
    assert get("Content-Length: 07", body_size=7)["CONTENT_LENGTH"] == "07"


def test_fields_of_one_name_are_joined() -> None:
    lines = ["X-A: 1", "Cookie: a=1", "x-a:", "X-Aa: 9", "Cookie: b=2", "X-A: 3", "Accept: a"]
    made = get(*lines, "ACCEPT: b", "Te: ", "TE:", "X-^: 1", "x-~: 2")
    assert made["HTTP_X_A"] == "1, , 3"
    assert made["HTTP_COOKIE"] == "a=1; b=2"
    assert made["HTTP_ACCEPT"] == "a, b"
    assert made["HTTP_X_AA"] == "9"
    assert made["HTTP_TE"] == ", "
    assert (made["HTTP_X_^"], made["HTTP_X_~"]) == ("1", "2")
    many = get(*[f"X-Many: {n}" for n in range(99)])
    assert many["HTTP_X_MANY"] == ", ".join(map(str, range(99)))


def test_a_name_with_an_underscore_is_dropped() -> None:
    made = get("X-User: real", "X_User: forged", "Content_Length: 5", "X_Only: 1")
    assert made["HTTP_X_USER"] == "real"
    assert {"HTTP_X_ONLY", "HTTP_CONTENT_LENGTH", "CONTENT_LENGTH"}.isdisjoint(made)


def test_common_names_have_no_case() -> None:
    text = NAMES.read_text()
    names = set(re.findall(r'"([a-z][a-z0-9-]+)"', text)) - {"host", "transfer-encoding", "expect"}
    assert len(names) > 50
    for name in names - {"content-length"}:
        key = "CONTENT_TYPE" if name == "content-type" else f"HTTP_{name.replace('-', '_').upper()}"
        assert get(f"{name.title()}: 1", f"{name.upper()}: 2", f"x{name}: 3")[key] in (
            "1, 2",
            "1; 2",
        )
        assert key not in get(f"{name}x: 1", f"{name[:-1]}: 1", f"{name[:-1]}!: 1")


def test_names_beyond_what_is_remembered() -> None:
    for n in range(2000):
        name = f"X-{n}-" + "n" * (n % 60)
        assert get(f"{name}: {n}")[f"HTTP_{name.replace('-', '_').upper()}"] == str(n)


def test_the_host_of_an_absolute_target_counts() -> None:
    made = get(line="GET http://other.org:81?x HTTP/1.1", fixed=UNIX)
    assert made["HTTP_HOST"] == "other.org:81"
    assert (made["SERVER_NAME"], made["SERVER_PORT"]) == ("other.org", "81")
    assert (made["PATH_INFO"], made["QUERY_STRING"]) == ("/", "x")
    assert get(line="GET http://o.org/ HTTP/1.0")["HTTP_HOST"] == "o.org"


def test_a_request_without_a_host() -> None:
    made = get(line="GET / HTTP/1.0", fixed=UNIX, peer="unix")
    assert "HTTP_HOST" not in made
    assert (made["SERVER_NAME"], made["SERVER_PORT"]) == ("localhost", "80")
    assert made["REMOTE_ADDR"] == ""
    assert "REMOTE_PORT" not in made


@pytest.mark.parametrize(
    ("host", "server"),
    [("[::1]", ("[::1]", "80")), ("[::1]:81", ("[::1]", "81")), ("a:", ("a", "80"))],
)
def test_a_server_is_named_by_the_host(host: str, server: tuple[str, str]) -> None:
    made = environ(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode(), fixed=UNIX)
    assert (made["SERVER_NAME"], made["SERVER_PORT"]) == server


def test_no_reference_is_lost() -> None:
    counted = [BODY, FIXED["SERVER_SOFTWARE"], *UNIX]
    before = [sys.getrefcount(each) for each in counted]
    for _ in range(100):
        get("X-A: 1", "X-A: 2", "X-B: 1", line="GET /%20?x HTTP/1.0")
    after = [sys.getrefcount(each) for each in counted]
    assert all(b - a < 20 for a, b in zip(before, after, strict=True))


# --- gunicorn makes the same of a valid request. ---

NAME = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,12}", fullmatch=True)
VALUE = st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=9).filter(
    lambda text: "\x7f" not in text and not any(0x80 <= ord(each) <= 0xA0 for each in text)
)
PATH = st.from_regex(r"/([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9a-fA-F]{2}|%g){0,12}", fullmatch=True)
SPECIAL = {
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "expect",
    "upgrade",
    "content-type",
}
OTHERS = {"REQUEST_URI", RECEIVED_KEY, "wsgi.input", "wsgi.multiprocess", "SERVER_SOFTWARE"}


class Sock:
    """A socket that nothing is sent to."""


def of_gunicorn(data: bytes) -> dict[str, Any]:
    config, peer = Config(), ("10.1.2.3", 4711)
    request = next(RequestParser(config, iter([data]), peer))
    return wsgi.create(request, Sock(), peer, ("127.0.0.1", 8000), config)[1]


@steady
@given(
    st.sampled_from(["GET", "POST", "OPTIONS", "PURGE"]),
    PATH,
    st.sampled_from(["", "?", "?a=%20b&c", "?x?y"]),
    st.dictionaries(NAME, VALUE, max_size=6),
    st.sampled_from(["1.0", "1.1"]),
)
def test_gunicorn_makes_the_same(
    method: str, path: str, query: str, fields: dict[str, str], version: str
) -> None:
    unique = {name.lower(): value for name, value in fields.items()}
    lines = [f"{method} {path}{query} HTTP/{version}", "Host: example.com:8000"]
    lines += [f"{name}: {value}" for name, value in unique.items() if name not in SPECIAL]
    data = ("\r\n".join([*lines, "Content-Type: a/b", "Content-Length: 0"]) + "\r\n\r\n").encode(
        "latin-1"
    )
    ours, theirs = environ(data), of_gunicorn(data)
    for key, value in ours.items():
        if key not in OTHERS and not key.startswith("wsgi."):
            assert theirs[key] == value, key
    missing = {each for each in theirs if each not in ours and not each.startswith("wsgi.")}
    assert missing == {"gunicorn.socket"}
