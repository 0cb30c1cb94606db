"""Slots of a series, and those of which nothing is known."""

import asyncio

from pie.platform.ask.coverage import Slots, covered
from pie.platform.govern.preview import only_known


def test_a_slot_without_any_report_is_unknown_and_not_zero():
    slots = Slots(600, 60, 4)
    asked = {}

    async def ask(sql, params):
        asked.update(params)
        return b'{"slot":0}\n{"slot":2}\n'

    known = asyncio.run(covered(ask, slots))
    assert asked == {"since": 600, "step": 60, "until": 840}
    assert only_known([5, 0, 0, 0], known) == [5, None, 0, None]
