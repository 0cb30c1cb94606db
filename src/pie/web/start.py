"""What an application gives ``start_response``, and the types of WSGI."""

from collections.abc import Callable
from types import TracebackType
from typing import Any

from pie.model import Failure, Kind, repr_of
from pie.web.headers import LOGID, UNSENT

Environ = dict[str, Any]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]
StartResponse = Callable[..., Callable[[bytes], object]]
Headers = list[tuple[str, str]]

ERROR_KEY = "pie.error"
"""Environ key under which a framework adapter leaves the exception that made the response."""

FILE_WRAPPER = "wsgi.file_wrapper"

_OURS = (LOGID.lower(), UNSENT.lower())
"""Headers that an application cannot set, such as one that hands on those of its upstream."""
_LENGTH_LOWER = "content-length"


class Misuse(Failure):
    """The application does what WSGI does not allow, and no server could send."""

    def __init__(self, text: str) -> None:
        super().__init__(Kind.INTERNAL, text, raised_by="self")


def read_status(status: object) -> int:
    """The number of a status line."""
    try:
        return int(status[:3])  # type: ignore[index]
    except (TypeError, ValueError):
        shown = repr_of(status)[:40]
        raise Misuse(f"start_response was given {shown}; WSGI wants a status as '200 OK'") from None


def read_headers(headers: Headers, logid: str, length: int) -> tuple[Headers, int]:
    """The headers with those of Pie, and the answer's length that they name, else ``length``."""
    added = (LOGID, logid)
    whole = [*headers, added]
    for name, value in headers:
        size = len(name)
        if size == 10 and name.lower() in _OURS:
            whole = [*(each for each in headers if each[0].lower() not in _OURS), added]
        elif size == 14 and name.lower() == _LENGTH_LOWER:
            text = str(value)
            length = int(text) if text.isdecimal() and len(text) <= 18 else -1
    return whole, length
