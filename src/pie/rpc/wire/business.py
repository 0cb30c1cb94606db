"""Business outcomes that travel beside the answer: the ``biz-*`` headers of TTHeader."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from pie.thrift import BIZ_EXTRA, BIZ_MESSAGE, BIZ_STATUS

_LOWEST, _HIGHEST = -(2**31), 2**31 - 1
_extra = msgspec.json.Decoder(dict[str, str])


class BusinessStatus(NamedTuple):
    """A code of the callee's own, other than 0, with its text and further pairs."""

    code: int
    message: str
    extra: Mapping[str, str]


class BusinessError(Exception):
    """The callee worked, and its answer is a business status instead of a value.

    A client raises it when the reply has a ``biz-status`` header, as those of Kitex services have.
    It is an answer like a declared exception: counted as ``business``, never as a failure of the
    peer, and not tried again.

    Args:
        code: other than 0.
        message: for people.
        extra: further pairs.
        value: what the reply carried nevertheless; None as a rule.
    """

    def __init__(
        self,
        code: int,
        message: str = "",
        extra: Mapping[str, str] | None = None,
        *,
        value: Any = None,
    ) -> None:
        if not (_LOWEST <= code <= _HIGHEST and code):
            raise ValueError(f"business code {code}: it is a number of 32 bits other than 0")
        super().__init__(f"business status {code}: {message}")
        self.status = BusinessStatus(code, message, dict(extra or {}))
        self.value = value

    @property
    def code(self) -> int:
        return self.status.code

    @property
    def message(self) -> str:
        return self.status.message


def write_status(strings: dict[str, str], status: BusinessStatus) -> None:
    """Put a business status among the string headers of a reply."""
    strings[BIZ_STATUS] = str(status.code)
    strings[BIZ_MESSAGE] = status.message
    if status.extra:
        strings[BIZ_EXTRA] = msgspec.json.encode(dict(status.extra)).decode()


def read_status(strings: Mapping[str, str]) -> BusinessStatus | None:
    """The business status among the string headers of a reply; None for success, and for what is
    no number of 32 bits. Extra pairs that are not well-formed are left out."""
    text = strings.get(BIZ_STATUS, "")
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 10):
        return None
    code = int(text)
    if not code or not _LOWEST <= code <= _HIGHEST:
        return None
    try:
        extra = _extra.decode(strings.get(BIZ_EXTRA, "") or "{}")
    except msgspec.DecodeError:
        extra = {}
    return BusinessStatus(code, strings.get(BIZ_MESSAGE, ""), extra)
