"""The work itself: one handler for every side, over that side's own classes."""

import time
from typing import Any, NamedTuple

from workload.data import ITEMS


class Types(NamedTuple):
    """The classes of one side; all are made with keyword arguments.

    ``status`` is what the two fields of its BaseResp are called: the message, the code.
    """

    item: Any
    response: Any
    base_resp: Any
    status: tuple[str, str] = ("StatusMessage", "StatusCode")


class Handler:
    """Serves ``Bench``."""

    def __init__(self, types: Types) -> None:
        self._types = types
        message, code = types.status
        self._success = {message: "SUCCESS", code: 0}

    def Echo(self, text: str) -> str:
        return text

    def MGetItems(self, request: Any) -> Any:
        item, response, base_resp, _ = self._types
        return response(
            items=[item(**ITEMS[each]) for each in request.ids],
            base_resp=base_resp(**self._success),
        )

    def Sleep(self, milliseconds: int) -> int:
        time.sleep(milliseconds / 1000)
        return milliseconds

    def Spin(self, rounds: int) -> int:
        total = 0
        for number in range(rounds):
            total = (total + number * number) & 0xFFFF
        return total
