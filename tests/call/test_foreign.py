"""Calls that end with exceptions whose own methods raise: the flow in C and its twin."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.model.foreign import FOREIGN

from pie.model import Call


class Watch:
    """Sees how calls ended, as the record gate does."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int, str]] = []

    def enter(self, call: Call) -> None:
        pass

    def leave(self, call: Call) -> None:
        self.seen.append((call.outcome, call.code, call.message))


EXITS: list[tuple[Callable[[], BaseException], str, int, str]] = [
    (lambda: SystemExit(3), "internal", 500, "SystemExit: 3"),
    (KeyboardInterrupt, "internal", 500, "KeyboardInterrupt: "),
    (GeneratorExit, "cancelled", 499, "cancelled by GeneratorExit"),
]
"""Out of the code that serves a call."""


@pytest.mark.parametrize(("make", "kind", "code", "message"), FOREIGN + EXITS)
def test_the_call_fails_as_its_exception_says(
    kit: Any, make: Callable[[], BaseException], kind: str, code: int, message: str
) -> None:
    watch = Watch()

    def action(_call: Call) -> None:
        raise make()

    raised = None
    try:  # pytest.raises would ask the exception for its class.
        kit.open(kit.gates([watch], kit.lock())).run(action)
    except BaseException as error:
        raised = error.args
    assert raised is not None
    ((outcome, found, text),) = watch.seen
    assert (outcome, found, text[: len(message)]) == (kind, code, message)
