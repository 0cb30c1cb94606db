"""How many examples hypothesis draws: enough for every day, ten times as many in make test-slow."""

import os

_TIMES = 10 if os.environ.get("PIE_TEST_THOROUGH") else 1


def examples(enough: int) -> int:
    """For ``max_examples``."""
    return enough * _TIMES
