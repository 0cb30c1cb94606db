"""The rule of a policy: a frozen struct whose fields say what a form or a page must know of them.

A field has its bounds and its help in the type, and a default (``pie.govern.fields`` has the forms
that a field can have):

    qps: Annotated[
        float, Meta(gt=0, le=1e6, description="Calls a second.", extra={"unit": "calls/s"})
    ] = 100.0
"""

from typing import Annotated, ClassVar, Final, Literal, get_args

import msgspec
from msgspec import Meta

Side = Literal["server", "client", "callers"]
"""Which calls a rule set is for.

``server``: that a service serves; its owner publishes. ``client``: that a service makes; its owner
publishes. ``callers``: that others make to a service; its owner publishes, its callers apply it.
"""
SIDES: Final[tuple[Side, ...]] = get_args(Side)


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one policy is set to. Base of the rule of each policy.

    A ``__post_init__`` checks what the types cannot; its ``ValueError`` begins with the name of the
    field: ``least: 5 is above most``.

    Class attributes of each subclass:
        kind: the policy's name in rule sets; none where no rule set can hold it.
        sides: on which the policy stands.
        every: all matching rules hold, not the most specific alone.
    """

    kind: ClassVar[str]
    sides: ClassVar[tuple[Side, ...]]
    every: ClassVar[bool] = False

    @property
    def part(self) -> str:
        """Of the calls in its scope, what the rule is about: two rules of one scope differ in it.
        Empty = all of it."""
        return ""


DryRun = Annotated[
    bool,
    Meta(description="Record what the rule would do to calls, and do nothing to them."),
]
"""The field ``dry_run`` of rules that reject calls; False by default."""
