"""What C reads of a gate that has rules; see ``ruled.h``."""

from typing import Final, NamedTuple

MADE_SETS: Final = 16
"""Sets that ``native.Ruled`` keeps of calls made: of four answers each. There is one table for each
callee, whose methods are few."""


class NativeRuled(NamedTuple):
    """What rules say of calls, kept by who asks for what."""

    ruled: object
