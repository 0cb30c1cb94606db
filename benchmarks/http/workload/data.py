"""What is asked and answered, as plain Python."""

from typing import Any

HELLO = b"Hello, world!"
TEXT = "x" * 100
"""What the Thrift call of a view sends."""
WAIT_SECONDS = 0.002
COMPUTE_SECONDS = 0.002
SLEEP_MS = 5
FILE_SIZE = 1_000_000
POST_SIZE = 10_240
DOCUMENT: dict[str, Any] = {
    "items": [
        {
            "id": 7_000_000_001 + number,
            "title": f"The title of item {number}, as long as titles are",
            "author": f"author-{number}",
            "likes": 1000 * number,
            "score": number / 7,
            "pinned": number % 3 == 0,
            "tags": [f"tag{number}", f"topic-{number % 5}"],
        }
        for number in range(12)
    ],
    "total": 12,
}
"""Some 2 kB of JSON."""
