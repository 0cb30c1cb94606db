import pytest

from pie.model import Call, Failure, Kind, failure_of


def call() -> Call:
    return Call("client", "thrift", caller="a.b.c", callee="d.e.f", method="Get")


def test_outcome() -> None:
    subject = call()
    assert subject.outcome == "ok"
    subject.business(1404, "withdrawn")
    assert subject.outcome == "business"
    subject.fail(Failure(Kind.DEADLINE, "late"))
    assert (subject.outcome, subject.code, subject.message) == ("deadline", 504, "late")


def test_fields_are_fixed() -> None:
    with pytest.raises(AttributeError):
        call().extra = 1


def test_an_attempt_is_a_child_with_the_span_its_peer_saw() -> None:
    subject = call()
    subject.span_id, subject.wire_span_id = "logical", "wire-1"
    subject.started, subject.start, subject.attempt_start = 100.0, 10.0, 10.5
    subject.fail(Failure(Kind.UNAVAILABLE, "refused", never_sent=True))
    attempt = subject.as_attempt()
    assert (attempt.span_id, attempt.parent_id, attempt.attempt) == ("wire-1", "logical", 1)
    assert (attempt.started, attempt.start) == (100.5, 10.5)
    subject.next_attempt("wire-2")
    assert (subject.attempts, subject.wire_span_id, subject.outcome) == (2, "wire-2", "ok")
    assert attempt.outcome == "unavailable"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("x"), Kind.INTERNAL),
        (TimeoutError(), Kind.DEADLINE),
        (KeyboardInterrupt(), Kind.CANCELLED),
        (Failure(Kind.DENIED, "no"), Kind.DENIED),
    ],
)
def test_every_exception_is_a_failure_of_some_kind(error: BaseException, kind: Kind) -> None:
    assert failure_of(error).kind == kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid"),
        (404, "not_found"),
        (418, "invalid"),
        (429, "exhausted"),
        (500, "internal"),
        (502, "internal"),
        (503, "unavailable"),
        (504, "deadline"),
    ],
)
def test_http_statuses_have_a_kind(status: int, kind: str) -> None:
    assert Kind.of_http_status(status) == kind


def test_codes_are_the_http_status_unless_the_service_has_its_own() -> None:
    assert Failure(Kind.DENIED, "no").code == 403
    assert Failure(Kind.BUSINESS, "sold out", code=1007).code == 1007


def test_a_call_that_succeeds_after_a_failure_is_ok() -> None:
    call = Call("server", "thrift", caller="a.b.c", callee="d.e.f", method="Get")
    call.fail(Failure(Kind.DENIED, "no"))
    call.succeed("plan b")
    assert (call.outcome, call.code, call.message, call.result) == ("ok", 0, "", "plan b")
    call.business(1234, "sold out")
    call.succeed("answer")
    assert (call.outcome, call.code, call.message) == ("business", 1234, "sold out")
