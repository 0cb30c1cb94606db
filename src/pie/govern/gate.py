"""The gate: the one shape of every governance policy.

``enter`` may admit a call, change it, or reject it by raising a ``Failure``. ``leave`` sees the
outcome and may replace it. ``leave`` runs exactly once, in reverse order, for every gate whose
``enter`` returned, also when the call is cancelled.

A gate does no I/O, owns no thread and no lock (the driver holds one lock around a list of gates),
never waits, takes its clock from outside, and keeps no reference to a Call after ``leave``.
"""

from typing import Protocol

from pie.model import Call


class Gate(Protocol):
    """One policy."""

    def enter(self, call: Call) -> float | None:
        """Admit the call: now (None or 0), or after a delay in seconds that the driver waits.

        Raises:
            Failure: the call is rejected.
        """
        ...

    def leave(self, call: Call) -> None:
        """See how the call went."""
        ...
