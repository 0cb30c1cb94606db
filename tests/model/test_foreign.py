"""Every exception has a failure, whatever its own methods do."""

from collections.abc import Callable

import pytest
from tests.model.foreign import FOREIGN, BadClass, OfABadType, OtherText, SaysItIsAFailure

from pie.model import Failure, Kind, failure_of, is_a, text_of, type_name


@pytest.mark.parametrize(("make", "kind", "code", "message"), FOREIGN)
def test_every_exception_has_a_failure(
    make: Callable[[], BaseException], kind: str, code: int, message: str
) -> None:
    found = failure_of(make())
    assert (type(found.kind), found.kind.value, found.code) == (Kind, kind, code)
    assert found.message[: len(message)] == message
    assert type(found.message) is type(found.raised_by) is type(found.rule) is str


def test_a_sound_failure_stays_itself() -> None:
    class Own(Failure):
        pass

    error = Own(Kind.DENIED, "no", code=7000, rule="r v1")
    assert failure_of(error) is error


def test_what_is_asked_of_objects() -> None:
    assert text_of(OtherText("x")) == "x"
    assert type(text_of(OtherText("x"))) is str
    assert type_name(OfABadType()) == "OfABadType"
    assert is_a(BadClass(), BadClass)
    assert not is_a(SaysItIsAFailure(), Failure)
