"""What C reads of a gate that has rules; see ``ruled.h``."""

from typing import NamedTuple


class NativeRuled(NamedTuple):
    """What rules say of calls, kept by who asks for what."""

    ruled: object
