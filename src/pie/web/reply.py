"""Answers to HTTP calls that no application sees, because a gate rejected them."""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NamedTuple

from pie.model import Call, Failure, Kind, text_of
from pie.web.errors import error_body
from pie.web.headers import LOGID, UNSENT

_CLIENT_CLOSED_REQUEST = Kind.CANCELLED.http_status
"""No status of the standard, so its phrase is not there either."""


class Answer(NamedTuple):
    """A whole answer: ``status`` with its phrase, headers without the length, body."""

    status: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def send(self, start_response: Callable[..., object]) -> list[bytes]:
        """The answer of a WSGI application."""
        start_response(self.status, [*self.headers, ("Content-Length", str(len(self.body)))])
        return [self.body]


class Refusal(Failure):
    """A request that is refused by a status that no kind of failure has.

    Args:
        status: 4xx.
        message: why, and what to do.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(Kind.INVALID, message, code=status)


class Unserved(Failure):
    """A request that was rejected before the application ran: another instance may be asked."""


class Reply:
    """Makes the answer to a call that a gate rejected: it becomes the call's result.

    It stands right behind the record gate: it sees what the gates behind it made of the rejection,
    and the record has the status and the size of the answer. A call to which another of them gave a
    result after all is answered with that, by status 200: text, bytes, or what JSON can hold.
    """

    policy = "reply"

    def enter(self, call: Call) -> None:
        pass

    def leave(self, call: Call) -> None:
        if not call.gate:
            return  # It reached the application, or was cancelled on its way.
        try:
            answer = _answer(call)
        except Exception as error:
            why = f"a gate gave a result that is no answer on HTTP: {text_of(error)}"
            call.fail(Failure(Kind.INTERNAL, why, raised_by="self"))
            answer = _answer(call)
        call.status, call.response_bytes = int(answer.status[:3]), len(answer.body)
        call.result = answer


def _answer(call: Call) -> Answer:
    """Of the call's failure or result.

    Raises:
        Exception: JSON cannot hold the result.
    """
    if call.failure is not None:
        return answer_of(call.failure, call)
    return _answer_with(200, *_encode(call.result), call)


def answer_of(failure: Failure, call: Call) -> Answer:
    """The error form of a failure; it says whether the request may be sent elsewhere."""
    body = error_body(failure, call)
    answer = _answer_with(status_of(failure), "application/json", body, call)
    if failure.never_sent and (call.gate or type(failure) is Unserved):
        return answer._replace(headers=(*answer.headers, (UNSENT, "1")))
    return answer


def status_of(failure: Failure) -> int:
    """The status by which a failure is answered."""
    return failure.code if type(failure) is Refusal else failure.kind.http_status


def _answer_with(status: int, content_type: str, body: bytes, call: Call) -> Answer:
    headers = (("Content-Type", content_type), (LOGID, call.logid))
    return Answer(f"{status} {_phrase(status)}", headers, body)


def _encode(result: Any) -> tuple[str, bytes]:
    if isinstance(result, bytes):
        return "application/octet-stream", result
    if isinstance(result, str):
        return "text/plain; charset=utf-8", result.encode()
    return "application/json", json.dumps(result, ensure_ascii=False).encode()


def _phrase(status: int) -> str:
    return (
        "Client Closed Request" if status == _CLIENT_CLOSED_REQUEST else HTTPStatus(status).phrase
    )
