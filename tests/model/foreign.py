"""Exceptions whose own methods raise, or say what is not so; and what is to be recorded of each."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from pie.model import Failure, Kind


class BadText(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class EndsInText(Exception):
    def __str__(self) -> str:
        raise SystemExit(3)


class NoText(Exception):
    def __str__(self) -> Any:
        return 7  # noqa: PLE0307


class OtherText(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise ValueError

    __format__ = __repr__ = __eq__ = __hash__ = __str__  # type: ignore[assignment]


class TextOfAnotherType(Exception):
    def __str__(self) -> str:
        return OtherText("fine")


class BadClass(Exception):
    @property
    def __class__(self) -> Any:
        raise RuntimeError("no class")


class SaysItIsAFailure(Exception):
    __class__ = Failure  # type: ignore[assignment]


class Falsy(Exception):
    def __bool__(self) -> bool:
        raise RuntimeError("neither")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("incomparable")

    def __len__(self) -> int:
        return 0

    __hash__ = None  # type: ignore[assignment]


class BadName(type):
    @property
    def __name__(cls) -> str:
        raise RuntimeError("no name")


class OfABadType(Exception, metaclass=BadName):
    pass


class NoAttributes(Failure):
    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(f"no {name}")


def failure(**parts: Any) -> Failure:
    made = Failure(Kind.CONFLICT, "taken", raised_by="self")
    for name, value in parts.items():
        setattr(made, name, value)
    return made


FOREIGN: list[tuple[Callable[[], BaseException], str, int, str]] = [
    (
        BadText,
        "internal",
        500,
        "BadText: <its text cannot be had: __str__ raised RuntimeError>",
    ),
    (
        EndsInText,
        "internal",
        500,
        "EndsInText: <its text cannot be had: __str__ raised SystemE",
    ),
    (
        NoText,
        "internal",
        500,
        "NoText: <its text cannot be had: __str__ raised TypeError>",
    ),
    (lambda: ValueError(BadText()), "internal", 500, "ValueError: <its text cannot be had"),
    (TextOfAnotherType, "internal", 500, "TextOfAnotherType: fine"),
    (lambda: BadClass("x"), "internal", 500, "BadClass: x"),
    (lambda: SaysItIsAFailure("x"), "internal", 500, "SaysItIsAFailure: x"),
    (lambda: Falsy("x"), "internal", 500, "Falsy: x"),
    (lambda: OfABadType("x"), "internal", 500, "OfABadType: x"),
    (lambda: NoAttributes(Kind.CONFLICT, "taken"), "internal", 500, "NoAttributes: taken"),
    (lambda: failure(message=BadText()), "conflict", 409, "<its text cannot be had"),
    (lambda: failure(message=OtherText("taken")), "conflict", 409, "taken"),
    (lambda: failure(message=None), "conflict", 409, "Failure: taken"),
    (lambda: failure(code="409"), "conflict", 409, "taken"),
    (lambda: failure(code=2**80), "conflict", 409, "taken"),
    (lambda: failure(code=HTTPStatus.GONE), "conflict", 410, "taken"),
    (lambda: failure(kind="deadline"), "deadline", 409, "taken"),
    (lambda: failure(kind=BadText()), "internal", 409, "taken"),
    (lambda: failure(raised_by=7, rule=BadText()), "conflict", 409, "taken"),
    (lambda: TimeoutError(BadText()), "deadline", 504, "<its text cannot be had"),
    (asyncio.CancelledError, "cancelled", 499, "cancelled by CancelledError"),
]
