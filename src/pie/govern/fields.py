"""The fields of a rule as forms, pages and messages show them, read from the rule's type.

Each field has a default and a sentence of help (``description``). Its form follows from its type:

=========  ==================================  ==================================================
form       type                                what the type has to say besides
=========  ==================================  ==================================================
number     ``float``                           unit, bounds
whole      ``int``                             unit, bounds
flag       ``bool``
choice     ``Literal["a", "b"]``, ``StrEnum``
text       ``str``                             ``max_length``
names      ``frozenset[str]``, ``tuple[str, ...]``  ``max_length``: how many
weights    ``dict[str, float]``                ``max_length``: how many; unit, bounds of a weight
time       ``datetime`` with a time zone
=========  ==================================  ==================================================

``... | None`` with the default None makes a field optional.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal, NamedTuple, get_args, get_origin

import msgspec
from msgspec import inspect

from pie.govern.rule import Rule

Form = Literal["number", "whole", "flag", "choice", "text", "names", "weights", "time"]
"""How a value is written and entered."""


class RuleField(NamedTuple):
    """A field of a rule.

    Attributes:
        name: in JSON.
        form: how its value is written.
        type: of its value, in Python.
        default: None = the field is optional.
        unit: of a number or a weight; else empty.
        least, most: bounds, included unless ``above``: of a number or of each weight. Of a text
            its length, of names how many.
        above: the value is above ``least``.
        choices: of the form ``choice``.
        help: a sentence.
    """

    name: str
    form: Form
    type: type
    default: Any
    unit: str = ""
    least: float = 0
    most: float = 0
    above: bool = False
    choices: tuple[str, ...] = ()
    help: str = ""

    @property
    def expects(self) -> str:
        """What its value has to be, for messages: ``a number from 0.001 to 60 (s)``."""
        least, most = _number(self.least), _number(self.most)
        bounds = f"{'above' if self.above else 'from'} {least} to {most}"
        unit = f" ({self.unit})" if self.unit else ""
        written = {
            "number": f"a number {bounds}{unit}",
            "whole": f"a whole number {bounds}{unit}",
            "flag": "true or false",
            "choice": f"one of {', '.join(self.choices)}",
            "text": f"a text of at most {most} characters",
            "names": f"a list of {least} to {most} names",
            "weights": f"names with numbers {bounds}{unit}",
            "time": "a time with its zone, such as 2026-01-31T18:00:00+08:00",
        }[self.form]
        return f"{written}, or null" if self.default is None else written


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:g}"


def describe(kind: type[Rule]) -> tuple[RuleField, ...]:
    """The fields of a rule, from its type.

    Raises:
        TypeError: a field lacks its help, its default, or what its form has to say.
    """
    return tuple(_describe(kind, field) for field in msgspec.structs.fields(kind))


def _describe(kind: type[Rule], field: msgspec.structs.FieldInfo) -> RuleField:
    name = f"{kind.__name__}.{field.name}"
    info, extra = _unwrapped(inspect.type_info(field.type))
    default = field.default
    if field.default_factory is not msgspec.NODEFAULT:
        default = field.default_factory()
    if "description" not in extra or default is msgspec.NODEFAULT:
        raise TypeError(f"{name} needs a default and help")
    found = RuleField(field.encode_name, *_form_of(name, info), default, help=extra["description"])
    match found.form:
        case "choice":
            return found._replace(choices=_choices(field.type))
        case "number" | "whole":
            return _bounded(name, found, info, extra)
        case "weights":
            value, of_value = _unwrapped(getattr(info, "value_type", info))
            if getattr(info, "max_length", None) is None:
                raise TypeError(f"{name} needs max_length: at most so many weights")
            return _bounded(name, found, value, extra | of_value)
        case "text" | "names":
            most = getattr(info, "max_length", None)
            if most is None:
                raise TypeError(f"{name} needs max_length")
            return found._replace(least=getattr(info, "min_length", None) or 0, most=most)
    return found


def _unwrapped(info: inspect.Type) -> tuple[inspect.Type, dict[str, Any]]:
    """A type without its metadata and its None, and the metadata."""
    extra: dict[str, Any] = {}
    while isinstance(info, inspect.Metadata | inspect.UnionType):
        if isinstance(info, inspect.UnionType):
            others = [each for each in info.types if not isinstance(each, inspect.NoneType)]
            if len(others) != 1:
                break
            (info,) = others
        else:
            extra |= {**(info.extra_json_schema or {}), **(info.extra or {})}
            info = info.type
    return info, extra


_SIMPLE: Final[dict[type[inspect.Type], tuple[Form, type]]] = {
    inspect.BoolType: ("flag", bool),
    inspect.IntType: ("whole", int),
    inspect.FloatType: ("number", float),
    inspect.StrType: ("text", str),
    inspect.LiteralType: ("choice", str),
    inspect.EnumType: ("choice", str),
    inspect.DateTimeType: ("time", datetime),
}


def _form_of(name: str, info: inspect.Type) -> tuple[Form, type]:
    match info:
        case inspect.FrozenSetType(item_type=inspect.StrType()):
            return "names", frozenset
        case inspect.VarTupleType(item_type=inspect.StrType()):
            return "names", tuple
        case inspect.DictType():
            return "weights", dict
    if type(info) not in _SIMPLE:
        raise TypeError(f"{name} has a type that no form is for")
    return _SIMPLE[type(info)]


def _choices(of: Any) -> tuple[str, ...]:
    """The values of a ``Literal`` or an enumeration inside of a type, in their order."""
    if isinstance(of, type) and issubclass(of, StrEnum):
        return tuple(each.value for each in of)
    parts = get_args(of)
    if get_origin(of) is Literal:
        return tuple(map(str, parts))
    return next(filter(None, map(_choices, parts)), ())


def _bounded(name: str, found: RuleField, info: inspect.Type, extra: dict[str, Any]) -> RuleField:
    least = getattr(info, "ge", None)
    above = least is None
    least = getattr(info, "gt", None) if above else least
    most, unit = getattr(info, "le", None), extra.get("unit")
    if least is None or most is None or unit is None:
        raise TypeError(f"{name} needs unit and bounds")
    return found._replace(unit=unit, least=least, most=most, above=above)
