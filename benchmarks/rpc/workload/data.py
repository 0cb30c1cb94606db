"""The values that are sent, as plain Python: every side makes its own objects of them."""

from typing import Any

TEXT = "x" * 100
IDS = list(range(7_000_000_001, 7_000_000_021))
BASE: dict[str, Any] = {
    "LogID": "20260101000000010203004005006AB",
    "Caller": "bench.load.generator",
    "Addr": "127.0.0.1",
    "Client": "bench/1",
}
SUCCESS: dict[str, Any] = {"StatusMessage": "SUCCESS", "StatusCode": 0}
SLEEP_MS = 5
SPIN_ROUNDS = 200_000
"""About 10 ms of CPython."""


def _item(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "title": f"The title of item {number}, as long as titles are",
        "author": f"author-{number % 1000}",
        "likes": number % 100_000,
        "created": 1_700_000_000_000 + number % 1_000_000,
        "score": number % 977 / 977,
        "pinned": number % 3 == 0,
        "tags": [f"tag{number % 7}", f"topic-{number % 31}"],
    }


ITEMS = {number: _item(number) for number in IDS}
