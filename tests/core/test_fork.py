"""C in a forked child: it draws ids of its own, however the child was forked."""

import os
from collections.abc import Callable

import pytest

from pie._core import native
from pie.model import after_fork, end_forked_child, new_span_id, run_after_fork

pytestmark = [
    pytest.mark.skipif(native is None, reason="this process does without the extension"),
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),  # Forking with threads.
]


def in_child(work: Callable[[], str]) -> str:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, work().encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        sent = file.read().decode()
    assert os.waitpid(child, 0)[1] == 0
    return sent


def test_children_draw_other_ids_than_their_parent() -> None:
    new_span_id()  # Seeded before the forks.
    ids = [in_child(new_span_id), in_child(new_span_id), new_span_id()]
    assert len(set(ids)) == 3


def test_a_second_call_in_a_child_changes_nothing() -> None:
    class Counted:
        times = 0

        def count(self) -> None:
            self.times += 1

    counted = Counted()
    after_fork(counted.count)

    def work() -> str:
        run_after_fork()
        run_after_fork()
        return str(counted.times)

    assert in_child(work) == "1"


def test_a_forked_child_that_comes_back_ends() -> None:
    process = os.getpid()
    end_forked_child(process)  # Not a child.

    def work() -> str:
        end_forked_child(process)
        return "it went on"

    assert in_child(work) == ""
