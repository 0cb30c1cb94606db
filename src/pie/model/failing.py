"""Business codes that count as failures: declared once by the service, for all figures.

They are declared in the IDL (``pie.failure_codes``), which both sides know, and in the settings of
the service, which its side knows: its reply carries a mark, so that the caller's side counts the
same calls. So objectives, monitors and breakers see one truth.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

BUSINESS_FAILURE: Final = "business_failure"
"""The outcome of a call whose business code counts as a failure."""
MARK: Final = "PIE_FAILED"
"""Key of ``Call.backward``: the answer's code counts as a failure for its service."""
MAX_DECLARED: Final = 1_000

_WRITTEN: Final = re.compile(
    r"(?:(?P<method>[^\s:]{1,200}):)?(?P<least>-?\d{1,10})(?:\.\.(?P<most>-?\d{1,10}))?"
)
_declared: dict[str, tuple[range, ...]] = {}
"""By settings: by method; empty = every method."""
_by_idl: dict[tuple[str, str], tuple[range, ...]] = {}
"""By callee and method; no callee = served by this process."""


def read_failure_codes(written: Iterable[str]) -> dict[str, tuple[range, ...]]:
    """Codes as settings write them: ``5001``, ``5000..5999``, ``GetItem:5001``.

    Raises:
        ValueError: one makes no sense; the error names it.
    """
    found: dict[str, tuple[range, ...]] = {}
    for number, text in enumerate(written):
        match = _WRITTEN.fullmatch(text.strip())
        if match is None:
            raise ValueError(
                f"{text[:100]!r} is no business code: write 5001, 5000..5999 or GetItem:5001"
            )
        if number >= MAX_DECLARED:
            raise ValueError(f"more than {MAX_DECLARED} codes: use ranges such as 5000..5999")
        least = int(match["least"])
        codes = range(least, int(match["most"] or least) + 1)
        if not codes or least == 0:
            raise ValueError(f"{text[:100]!r} names no code: 0 is success, and a range goes up")
        method = match["method"] or ""
        found[method] = (*found.get(method, ()), codes)
    return found


def read_method_codes(text: str) -> tuple[range, ...]:
    """The codes of one method as an annotation of the IDL writes them: ``5001, 6000..6999``.

    Raises:
        ValueError: one makes no sense; the error names it.
    """
    found = read_failure_codes(text.split(","))
    named = [method for method in found if method]
    if named:
        raise ValueError(
            f"{named[0]!r} stands before a code: an annotation is for its own function or service"
        )
    return found[""]


def declare_idl_codes(codes: Mapping[str, tuple[range, ...]], callee: str = "") -> None:
    """Make these, by method, the ones of a service by its IDL, beside those of settings.

    Args:
        codes: of the methods that have any.
        callee: the service as this process calls it; empty = it is served here.
    """
    for method, ranges in codes.items():
        _by_idl[callee, method] = ranges


def declare_failure_codes(codes: dict[str, tuple[range, ...]]) -> None:
    """Make these the ones of this process, in place of those before."""
    _declared.clear()
    _declared.update(codes)


def counts_as_failure(call: Any) -> bool:
    """Whether the business code of a call counts as a failure."""
    code: int = call.code
    served = call.side == "server"
    by_idl = _by_idl.get(("" if served else call.callee, call.method), ())
    if any(code in codes for codes in by_idl):
        return True
    if not served:
        return MARK in call.backward
    return any(code in codes for method in ("", call.method) for codes in _declared.get(method, ()))
