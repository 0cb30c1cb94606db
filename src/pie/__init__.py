"""Pie: the runtime that makes a plain Python service a member of a fleet."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pie.degradation import degradable as degradable
    from pie.degradation import degraded as degraded

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """``degraded`` and ``degradable``, loaded when they are first asked for."""
    if name not in ("degradable", "degraded"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pie import degradation

    return globals().setdefault(name, getattr(degradation, name))
