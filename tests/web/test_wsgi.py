"""Applications that do what nobody should: the answer, the record and the log say so."""

import asyncio
import io
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.util import FileWrapper
from wsgiref.validate import validator

import pytest

from pie.model import Failure, Kind, current_call
from pie.web import Middleware

Start = Callable[..., Any]
App = Callable[[dict[str, Any], Start], Any]


class Answer:
    """What a strict server got from an application."""

    def __init__(self, bench: Any, app: App, **environ: Any) -> None:
        self.started: list[tuple[str, list[tuple[str, str]]]] = []
        self.error: BaseException | None = None
        self.chunks: list[bytes] = []
        given = {"REQUEST_METHOD": "GET", "PATH_INFO": "/x", "REMOTE_ADDR": "127.0.0.1"} | environ
        body: Any = None
        try:
            body = Middleware(app, bench.runtime)(given, self._start)
            for chunk in body:
                assert self.started
                assert type(chunk) is bytes
                self.chunks.append(chunk)
        except Exception as error:
            self.error = error
        finally:
            if hasattr(body, "close"):
                body.close()
        (self.row,) = bench.facts()

    def _start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        assert not self.started or exc_info
        if exc_info and self.chunks:
            raise exc_info[1]
        self.started.append((status, headers))
        return self.chunks.append

    @property
    def status(self) -> str:
        return self.started[-1][0]


def ok(start: Start) -> None:
    start("200 OK", [("Content-Type", "text/plain")])


def throw(error: type[BaseException]) -> None:
    raise error("of the application")


@pytest.fixture
def off_the_main_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a server whose applications run on threads: no KeyboardInterrupt is Ctrl-C there."""
    monkeypatch.setattr("signal.getsignal", lambda number: None)


WHERE = ["in the application", "before the first chunk", "in iter", "in the middle", "in close"]


class Breaks:
    """A body that raises at one place."""

    def __init__(self, error: type[BaseException], where: str) -> None:
        self.error, self.where, self.closed, self._left = error, where, False, 2

    def __iter__(self) -> Iterator[bytes]:
        if self.where == "in iter":
            throw(self.error)
        return self

    def __next__(self) -> bytes:
        self._left -= 1
        if self.where == "before the first chunk" or (
            self.where == "in the middle" and self._left == 0
        ):
            throw(self.error)
        if self._left < 0:
            raise StopIteration
        return b"part"

    def close(self) -> None:
        self.closed = True
        if self.where == "in close":
            throw(self.error)


@pytest.mark.usefixtures("off_the_main_thread")
@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize(
    "error", [SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError]
)
def test_what_would_end_the_server_is_the_failure_of_one_request(
    bench: Any, caplog: Any, error: type[BaseException], where: str
) -> None:
    body = Breaks(error, where)

    def app(environ: Any, start: Start) -> Any:
        if where == "in the application":
            throw(error)
        ok(start)
        return body

    if where == "in close":
        with pytest.raises(Failure, match=f"{error.__name__}: of the application"):
            Answer(bench, app)
        (row,) = bench.facts()
        assert row["outcome"] == "ok"  # The whole body had been sent.
    else:
        answer = Answer(bench, app)
        row = answer.row
        begun = where == "in the middle"
        assert answer.status == ("200 OK" if begun else "500 Internal Server Error")
        assert isinstance(answer.error, Failure) == begun
        assert begun or b'"internal error"' in answer.chunks[0]
        assert (row["outcome"], row["code"], row["raised_by"]) == ("internal", 500, "self")
        assert row["message"] == f"{error.__name__}: of the application"
        assert row["status"] == (200 if begun else 500)
        assert body.closed or where == "in the application"
    (record,) = (each for each in caplog.records if each.levelno >= logging.ERROR)
    assert record.exc_info[0] is error
    assert "in throw" in caplog.text  # The stack.
    assert current_call.get() is None


def test_ctrl_c_at_a_server_on_the_main_thread_goes_on(bench: Any) -> None:
    def app(environ: Any, start: Start) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Answer(bench, app)
    assert bench.facts()[0]["outcome"] == "cancelled"


def never(environ: Any, start: Start) -> Any:
    return [b"x"]


def never_and_empty(environ: Any, start: Start) -> Any:
    return []


def nothing(environ: Any, start: Start) -> Any:
    ok(start)


def whole_bytes(environ: Any, start: Start) -> Any:
    ok(start)
    return b"whole"


def text(environ: Any, start: Start) -> Any:
    ok(start)
    return ["text"]


def number(environ: Any, start: Start) -> Any:
    ok(start)
    return 7


def no_status(environ: Any, start: Start) -> Any:
    start("fine", [])
    return [b"x"]


def status_number(environ: Any, start: Start) -> Any:
    start(200, [])
    return [b"x"]


MISUSES = [
    (no_status, "start_response was given 'fine'; WSGI wants a status as '200 OK'"),
    (status_number, "start_response was given 200; WSGI wants a status as '200 OK'"),
    (never, "the application did not call start_response before its body"),
    (never_and_empty, "the application did not call start_response before its body"),
    (nothing, "the application returned NoneType; WSGI wants an iterable of bytes"),
    (whole_bytes, "the application returned bytes; WSGI wants an iterable of bytes"),
    (text, "the application's body has a chunk of type str; WSGI wants bytes"),
]


@pytest.mark.parametrize(("app", "words"), MISUSES)
def test_an_answer_that_is_none_is_an_internal_error(
    bench: Any, caplog: Any, app: App, words: str
) -> None:
    answer = Answer(bench, app)
    assert answer.status == "500 Internal Server Error"
    assert answer.error is None
    row = answer.row
    assert (row["outcome"], row["status"], row["message"]) == ("internal", 500, words)
    assert words in caplog.text


def test_what_is_not_iterable_is_left_to_the_server(bench: Any) -> None:
    answer = Answer(bench, number)
    assert isinstance(answer.error, TypeError)
    assert (answer.row["outcome"], answer.row["status"]) == ("internal", 500)


@pytest.mark.parametrize("where", WHERE[:-1])
def test_an_ordinary_exception_is_left_to_the_server(bench: Any, where: str) -> None:
    body = Breaks(KeyError, where)

    def app(environ: Any, start: Start) -> Any:
        if where == "in the application":
            throw(KeyError)
        ok(start)
        return body

    answer = Answer(bench, app)
    assert type(answer.error) is KeyError
    assert answer.row["message"] == "KeyError: 'of the application'"
    assert answer.row["status"] == (200 if where == "in the middle" else 500)
    assert body.closed or where == "in the application"


def test_a_failure_is_answered_in_the_error_form(bench: Any) -> None:
    def app(environ: Any, start: Start) -> Any:
        raise Failure(Kind.CONFLICT, "taken")

    answer = Answer(bench, app)
    assert (answer.status, b'"taken"' in answer.chunks[0]) == ("409 Conflict", True)
    assert (answer.row["outcome"], answer.row["status"]) == ("conflict", 409)


@pytest.mark.parametrize(("status", "outcome"), [(500, "internal"), (404, "not_found")])
def test_a_late_error_is_recorded_as_the_exception(bench: Any, status: int, outcome: str) -> None:
    def app(environ: Any, start: Start) -> Iterable[bytes]:
        ok(start)
        try:
            throw(ValueError)
        except ValueError:
            start(f"{status} Oops", [], sys.exc_info())
        return [b"sorry"]

    answer = Answer(bench, app)
    assert (answer.status, answer.chunks) == (f"{status} Oops", [b"sorry"])
    row = answer.row
    assert (row["outcome"], row["status"], row["code"]) == (outcome, status, status)
    assert "ValueError: of the application" in row["message"]


def test_a_late_error_behind_sent_bytes_goes_on(bench: Any) -> None:
    def app(environ: Any, start: Start) -> Iterator[bytes]:
        ok(start)
        yield b"sent"
        try:
            throw(ValueError)
        except ValueError:
            start("500 Oops", [], sys.exc_info())

    answer = Answer(bench, app)
    assert type(answer.error) is ValueError
    assert (answer.row["outcome"], answer.row["status"]) == ("internal", 200)


def test_headers_of_pie_from_an_upstream_are_not_handed_on(bench: Any) -> None:
    def app(environ: Any, start: Start) -> Any:
        theirs = [("X-TT-LOGID", "its"), ("x-tt-logid", "another"), ("pie-unsent", "1")]
        start("200 OK", [*theirs, ("A", "b"), ("Pie-Unsent", "1")])
        return [b"x"]

    answer = Answer(bench, app)
    assert answer.started[0][1] == [("A", "b"), ("X-Tt-Logid", answer.row["logid"])]


class FalsyBody(list):  # type: ignore[type-arg]
    def __bool__(self) -> bool:
        raise RuntimeError("neither")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("incomparable")

    __hash__ = None  # type: ignore[assignment]


def test_methods_of_bodies_that_are_not_needed_are_not_called(bench: Any) -> None:
    def app(environ: Any, start: Start) -> Any:
        ok(start)
        return FalsyBody([b"x"])

    assert Answer(bench, app).row["outcome"] == "ok"


@pytest.mark.parametrize("read", [0, 1])
def test_a_body_that_is_closed_before_its_end_was_cancelled(bench: Any, read: int) -> None:
    def app(environ: Any, start: Start) -> Any:
        ok(start)
        return iter([b"one", b"two"])

    environ = {"REQUEST_METHOD": "GET"}
    body: Any = Middleware(app, bench.runtime)(environ, lambda *start: None)
    for _ in range(read):
        next(body)
    body.close()
    (row,) = bench.facts()
    assert (row["outcome"], row["status"], row["code"]) == ("cancelled", 499, 499)
    assert row["message"] == f"the client went away after {3 * read} bytes of the answer"
    assert row["raised_by"] == "peer"


@pytest.mark.parametrize(("verb", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_an_answer_without_a_body_is_whole(bench: Any, verb: str, status: int) -> None:
    def app(environ: Any, start: Start) -> Any:
        start(f"{status} OK", [])
        return [b"never sent"]

    body: Any = Middleware(app, bench.runtime)({"REQUEST_METHOD": verb}, lambda *start: None)
    body.close()
    assert bench.facts()[0]["outcome"] == "ok"


@pytest.mark.parametrize("end", ["raises", "returns"])
def test_a_web_socket_is_no_failure(bench: Any, end: str) -> None:
    def app(environ: Any, start: Start) -> Any:
        if end == "raises":
            raise StopIteration  # As flask-sock does on gunicorn, whose socket it took.
        return []

    environ = {"REQUEST_METHOD": "GET", "HTTP_UPGRADE": "WebSocket"}
    body: Any = ()
    try:
        body = Middleware(app, bench.runtime)(environ, lambda *start: None)
        assert list(body) == []
        body.close()
    except StopIteration:
        assert end == "raises"
    (row,) = bench.facts()
    assert (row["outcome"], row["status"], row["code"]) == ("ok", 101, 0)


def test_a_web_socket_whose_handler_breaks_is_one(bench: Any) -> None:
    def app(environ: Any, start: Start) -> Any:
        raise ValueError("in the handler")

    assert Answer(bench, app, HTTP_UPGRADE="websocket").row["outcome"] == "internal"


@pytest.mark.parametrize("size", [0, 5, 10_000])
def test_a_file_goes_to_the_wrapper_of_the_server(bench: Any, tmp_path: Any, size: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * size)
    opened = path.open("rb")

    def app(environ: Any, start: Start) -> Any:
        ok(start)
        return environ["wsgi.file_wrapper"](opened, 4096)

    environ = {"REQUEST_METHOD": "GET", "wsgi.file_wrapper": FileWrapper}
    body: Any = Middleware(app, bench.runtime)(environ, lambda *start: None)
    assert isinstance(body, FileWrapper)
    assert body.filelike.fileno() == opened.fileno()
    assert body.blksize == 4096
    body.close()  # It was sent by the system.
    assert opened.closed
    (row,) = bench.facts()
    assert (row["outcome"], row["response_bytes"]) == ("ok", size)


@pytest.mark.parametrize("whole", [True, False])
def test_a_file_without_a_descriptor_is_read(bench: Any, whole: bool) -> None:
    def app(environ: Any, start: Start) -> Any:
        ok(start)
        return environ["wsgi.file_wrapper"](io.BytesIO(b"x" * 5000), 4096)

    environ = {"REQUEST_METHOD": "GET", "wsgi.file_wrapper": FileWrapper}
    body: Any = Middleware(app, bench.runtime)(environ, lambda *start: None)
    assert len(next(body)) == 4096
    if whole:
        assert len(b"".join(body)) == 904
    body.close()
    (row,) = bench.facts()
    expected = ("ok", 5000) if whole else ("cancelled", 4096)
    assert (row["outcome"], row["response_bytes"]) == expected


def test_a_file_in_another_wrapper_is_iterated(bench: Any) -> None:
    def app(environ: Any, start: Start) -> Any:
        ok(start)
        return iter(environ["wsgi.file_wrapper"](io.BytesIO(b"x" * 5000), 4096))

    def wrapped(environ: Any, start: Start) -> Any:
        return (each for each in app(environ, start))

    answer = Answer(bench, wrapped, **{"wsgi.file_wrapper": FileWrapper})
    assert len(b"".join(answer.chunks)) == 5000
    assert answer.row["response_bytes"] == 5000


def test_a_file_that_breaks_is_a_failure(bench: Any) -> None:
    class Broken(io.BytesIO):
        def read(self, *size: Any) -> bytes:
            sys.exit(3)

    def app(environ: Any, start: Start) -> Any:
        ok(start)
        return environ["wsgi.file_wrapper"](Broken())

    answer = Answer(bench, app, **{"wsgi.file_wrapper": FileWrapper})
    assert isinstance(answer.error, Failure)
    assert answer.row["message"] == "SystemExit: 3"


def test_the_write_of_start_response_is_counted(bench: Any) -> None:
    def app(environ: Any, start: Start) -> Any:
        start("200 OK", [])(b"four")
        return [b"x"]

    answer = Answer(bench, app)
    assert (answer.chunks, answer.row["response_bytes"]) == ([b"four", b"x"], 5)


def test_it_is_wsgi_to_the_letter(bench: Any) -> None:
    def app(environ: Any, start: Start) -> Any:
        start("200 OK", [("Content-Type", "text/plain")])
        return [environ["wsgi.input"].read(4)]

    checked = validator(Middleware(validator(app), bench.runtime))
    environ = {
        "REQUEST_METHOD": "POST", "SCRIPT_NAME": "", "PATH_INFO": "/", "SERVER_NAME": "x",
        "QUERY_STRING": "", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": "4", "wsgi.version": (1, 0), "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(b"four"), "wsgi.errors": sys.stderr, "wsgi.multithread": True,
        "wsgi.multiprocess": False, "wsgi.run_once": False,
    }  # fmt: skip
    body: Any = checked(environ, lambda status, headers, exc_info=None: lambda data: None)
    assert list(body) == [b"four"]
    body.close()


@pytest.mark.parametrize(
    ("to", "is_ours"),
    [
        ("toutiao.my.server/127.0.0.1:1", True),
        ("toutiao.my.server", True),
        ("toutiao.my.server/127.0.0.1:2", False),
        ("toutiao.other.server/127.0.0.1:1", False),
        ("\x00", False),
    ],
)
def test_a_request_for_another_process_is_not_served(bench: Any, to: str, is_ours: bool) -> None:
    ran: list[bool] = []

    def app(environ: dict[str, Any], start: Start) -> list[bytes]:
        ran.append(True)
        ok(start)
        return [b"x"]

    answer = Answer(bench, app, HTTP_PIE_TO=to)
    unsent = dict(answer.started[-1][1]).get("Pie-Unsent")
    assert (bool(ran), answer.status[:3], unsent) == (
        (True, "200", None) if is_ours else (False, "503", "1")
    )
    assert answer.row["outcome"] == ("ok" if is_ours else "unavailable")


def test_a_request_for_which_no_thread_is_free_is_refused(bench: Any) -> None:
    ran: list[bool] = []

    def app(environ: dict[str, Any], start: Start) -> list[bytes]:
        ran.append(True)
        ok(start)
        return [b"x"]

    answer = Answer(bench, app, **{"pie.overloaded": True})
    assert not ran
    assert answer.status[:3] == str(Kind.EXHAUSTED.http_status)
    assert dict(answer.started[-1][1])["Pie-Unsent"] == "1"
    assert b"is overloaded" in b"".join(answer.chunks)
    assert answer.row["outcome"] == "exhausted"


def test_a_failure_of_the_applications_own_calls_says_nothing_of_this_one(bench: Any) -> None:
    def app(environ: dict[str, Any], start: Start) -> list[bytes]:
        raise Failure(Kind.UNAVAILABLE, "the callee is away", never_sent=True)

    answer = Answer(bench, app)
    assert answer.status[:3] == "503"
    assert "Pie-Unsent" not in dict(answer.started[-1][1])
