"""Lines that strangers cause: a few are written, the rest is counted."""

import logging
import os

import pytest

from pie.observe import Seldom, report_left_out
from pie.observe.log import seldom as module

logger = logging.getLogger("test.seldom")


@pytest.fixture
def seldom() -> Seldom:
    made = Seldom(logger)
    yield made
    made.report()


def test_a_few_are_written_and_the_rest_is_counted(seldom, caplog) -> None:
    for number in range(30_000):
        seldom.warning("closed the connection of %s", number)
    assert caplog.messages == [f"closed the connection of {n}" for n in range(module.FEW)]
    assert caplog.records[0].filename == "test_seldom.py"
    caplog.clear()
    report_left_out()
    (line,) = [each for each in caplog.messages if each.endswith(" of 29999")]
    assert line.startswith(f"{30_000 - module.FEW} lines more in ")
    assert line.endswith("such as: closed the connection of 29999")
    seldom.warning("again")
    assert caplog.messages[-1] == "again"


def test_what_was_left_out_is_reported_in_time(monkeypatch, caplog) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.05)
    seldom = Seldom(logger)
    for _ in range(module.FEW + 2):
        seldom.warning("all of %s", "it")
    seldom._timer.join(10)
    assert caplog.messages[-1].endswith("such as: all of it")
    assert caplog.messages[-1].startswith("2 lines more")


def test_the_lines_of_a_library(seldom, caplog) -> None:
    logger.addFilter(seldom)
    try:
        for _ in range(20):
            logger.warning("Invalid request from %s", "somebody")
        assert len(caplog.messages) == module.FEW
        logger.error("with a stack", exc_info=ValueError())
        assert caplog.messages[-1] == "with a stack"
    finally:
        logger.removeFilter(seldom)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_counts_for_itself(seldom) -> None:
    for _ in range(20):
        seldom.warning("of the parent")
    child = os.fork()
    if not child:
        os._exit(seldom._left_out)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
