"""The gate: the one shape of every governance policy.

``enter`` may admit a call, change it, or reject it by raising a ``Failure``. ``leave`` sees the
outcome and may replace it. ``leave`` runs exactly once, in reverse order, for every gate whose
``enter`` returned, also when the call is cancelled.

A gate is an immutable pair of rules and state: when rules change, a gate of the new rules and the
same state replaces it. It does no I/O, makes no call, owns no thread and no lock (the driver
holds the one lock of its process's gates around it), never waits, takes its clock from outside, and
keeps no reference to a Call after ``leave``.

A gate that decides by a rule counts a verdict of it (``pie.govern.verdicts``), and what it did to a
call other than to let it pass it appends to ``call.notes`` (``Ruling.said``).

A gate may have a class attribute ``policy``, the name under which its rejections are counted; the
name of its class stands in for it.
"""

from typing import Any, ClassVar, Protocol

from pie.govern.rule import Rule
from pie.govern.rules import RuleSet
from pie.govern.verdicts import Verdicts
from pie.model import Call, Clock


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


class RuledGate(Gate, Protocol):
    """A gate that stands in a list only while there are rules of its kind.

    Attributes:
        policy: its name, for people.
        rule_type: what it is set to.
        state_type: what it remembers; made without arguments.
    """

    policy: ClassVar[str]
    rule_type: ClassVar[type[Rule]]
    state_type: ClassVar[type[Any]]

    def __init__(
        self, rules: RuleSet[Any], state: Any, clock: Clock, verdicts: Verdicts
    ) -> None: ...
