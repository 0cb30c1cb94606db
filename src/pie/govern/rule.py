"""The rule of a policy: a frozen struct whose fields say what a form or a page must know of them.

A field has its bounds and its help in the type, and a default:

    qps: Annotated[
        float, Meta(gt=0, le=1e6, description="Calls a second.", extra={"unit": "calls/s"})
    ] = 100.0
"""

from typing import Any, ClassVar, Final, Literal, NamedTuple

import msgspec
from msgspec.inspect import Metadata, type_info

Side = Literal["server", "client"]
SIDES: Final[tuple[Side, ...]] = ("server", "client")


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one policy is set to. Base of the rule of each policy.

    Class attributes of each subclass:
        kind: the policy's name in rule sets; none where no rule set can hold it.
        sides: on which the policy stands.
        every: all matching rules hold, not the most specific alone.
    """

    kind: ClassVar[str]
    sides: ClassVar[tuple[Side, ...]] = SIDES
    every: ClassVar[bool] = False


class RuleField(NamedTuple):
    """A field of a rule, as a form or a page shows it. Bounds are included unless ``above``."""

    name: str
    type: type
    default: Any
    unit: str
    least: float
    most: float
    above: bool
    help: str


def describe(kind: type[Rule]) -> tuple[RuleField, ...]:
    """The fields of a rule, from its type.

    Raises:
        TypeError: a field lacks a unit, a bound, a default or a sentence of help.
    """
    return tuple(_describe(kind, field) for field in msgspec.structs.fields(kind))


def _describe(kind: type[Rule], field: msgspec.structs.FieldInfo) -> RuleField:
    info = type_info(field.type)
    extra: dict[str, Any] = {}
    while isinstance(info, Metadata):
        extra |= {**(info.extra_json_schema or {}), **(info.extra or {})}
        info = info.type
    least = getattr(info, "ge", None)
    above = least is None
    least = getattr(info, "gt", None) if above else least
    most = getattr(info, "le", None)
    unit, sentence = extra.get("unit"), extra.get("description")
    if (
        least is None
        or most is None
        or unit is None
        or sentence is None
        or field.default is msgspec.NODEFAULT
    ):
        raise TypeError(f"{kind.__name__}.{field.name} needs unit, bounds, default and help")
    return RuleField(
        field.encode_name, type(field.default), field.default, unit, least, most, above, sentence
    )
