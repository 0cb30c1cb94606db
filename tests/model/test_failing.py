"""Business codes that count as failures."""

import pytest

from pie.model import Call, declare_failure_codes, read_failure_codes
from pie.model.failing import MARK


@pytest.fixture(autouse=True)
def nothing_declared():
    yield
    declare_failure_codes({})


def call(code: int, method: str = "Get", side: str = "server") -> Call:
    made = Call(side, "thrift", caller="a.b.c", callee="d.e.f", method=method)
    made.business(code, "told")
    return made


def test_a_declared_code_is_a_failure_and_others_are_answers() -> None:
    declare_failure_codes(read_failure_codes(["5001", "6000..6999", "Put:7001"]))
    failing = [(5001, "Get"), (6000, "Get"), (6999, "Put"), (7001, "Put")]
    assert {call(*each).outcome for each in failing} == {"business_failure"}
    answers = [(5002, "Get"), (7000, "Get"), (7001, "Get")]
    assert {call(*each).outcome for each in answers} == {"business"}
    assert call(0).outcome == "ok"


def test_the_caller_goes_by_the_mark_of_the_callee() -> None:
    declare_failure_codes(read_failure_codes(["5001"]))  # Its own say nothing of another's codes.
    made = call(5001, side="client")
    assert made.outcome == "business"
    made.backward = {MARK: "1"}
    assert made.outcome == "business_failure"


@pytest.mark.parametrize("text", ["", "x", "5..", "9..5", "0", "Get Item:5", "Get:", "5:6:7"])
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="code"):
        read_failure_codes([text])
