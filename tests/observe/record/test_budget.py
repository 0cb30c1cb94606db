"""Which chains are whole when processes on them have different rates."""

import pytest

from pie.observe.record.budget import Budget


def kept(logids, per_second):
    """The logids of a second that a process keeps, each with its weight; it saw as many before."""
    budget = Budget(per_second)
    for logid in logids:
        budget.weight(logid, 99.5, 1000, False)
    weights = {logid: budget.weight(logid, 100.5, 1000, False) for logid in logids}
    return {logid: weight for logid, weight in weights.items() if weight}


def test_a_busier_process_keeps_a_part_of_what_others_keep_and_each_sum_is_right():
    logids = [f"{number:032x}" for number in range(20_000)]
    idle, busy, busier = (kept(logids, per_second) for per_second in (20_000, 8_000, 1_000))
    assert len(idle) == len(logids)
    assert set(busier) < set(busy) < set(idle)  # so a chain of the busiest is kept by all
    for process in (idle, busy, busier):
        assert sum(process.values()) == pytest.approx(len(logids), rel=0.1)
