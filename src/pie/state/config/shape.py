"""What the code of a service expects under a key: as the process reports it, and checks by it.

The platform has no types of Python. It gets shapes, and refuses to publish what does not fit.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import inspect

Form = Literal["flag", "whole", "number", "text", "choice", "list", "map", "any"]

_FORMS: Mapping[type, Form] = {
    inspect.BoolType: "flag",
    inspect.IntType: "whole",
    inspect.FloatType: "number",
    inspect.StrType: "text",
    inspect.ListType: "list",
    inspect.SetType: "list",
    inspect.FrozenSetType: "list",
    inspect.VarTupleType: "list",
    inspect.TupleType: "list",
    inspect.DictType: "map",
    inspect.StructType: "map",
    inspect.DataclassType: "map",
    inspect.TypedDictType: "map",
}
_NAMES: Mapping[Form, str] = {
    "flag": "true or false",
    "whole": "a whole number",
    "number": "a number",
    "text": "a text",
    "choice": "one of its choices",
    "list": "a list",
    "map": "a map",
    "any": "any value",
}
MAX_REPORTED = 1 << 10
"""Bytes of a default that is reported; a longer one is left out."""


class Shape(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a key may hold.

    Attributes:
        form: of the value.
        default: in the code; None = the code names none, or it is secret.
        least, most: bounds of a number, or of the length of a text or a list; included.
        choices: of a choice.
        help: what the key is for.
        secret: the value is shown to nobody.
    """

    form: Form
    default: Any = None
    least: float | None = None
    most: float | None = None
    choices: list[Any] = []
    help: str = ""
    secret: bool = False

    def objection(self, value: Any) -> str:
        """Why a value does not fit; empty when it does, as far as the shape tells."""
        if not _fits(self.form, value):
            return f"{_short(value)} is not {_NAMES[self.form]}"
        if self.form == "choice" and value not in self.choices:
            return f"{_short(value)} is not one of {', '.join(map(str, self.choices))}"
        sized = isinstance(value, str | list | dict)
        size = len(value) if sized else value
        what = "its length" if sized else _short(value)
        if self.form in ("flag", "any", "choice"):
            return ""
        if self.least is not None and size < self.least:
            return f"{what} is below {self.least:g}"
        if self.most is not None and size > self.most:
            return f"{what} is above {self.most:g}"
        return ""


def shape_of(annotation: Any, default: Any = None) -> Shape:
    """The shape of a type, with the bounds and the help of its ``msgspec.Meta``.

    Raises:
        TypeError: no value of JSON has this type.
    """
    info = inspect.type_info(annotation)
    extra: dict[str, Any] = {}
    while isinstance(info, inspect.Metadata):
        extra |= {**(info.extra_json_schema or {}), **(info.extra or {})}
        info = info.type
    if isinstance(info, inspect.CustomType):
        raise TypeError(f"{annotation!r} is no type that a configuration can hold")
    form, choices = _form(info)
    secret = bool(extra.get("secret"))
    return Shape(
        form=form,
        default=None if secret else _reported(default),
        least=_bound(info, "ge", "gt", "min_length"),
        most=_bound(info, "le", "lt", "max_length"),
        choices=choices,
        help=str(extra.get("description", "")),
        secret=secret,
    )


def _form(info: inspect.Type) -> tuple[Form, list[Any]]:
    if isinstance(info, inspect.EnumType):
        return "choice", [each.value for each in info.cls]
    if isinstance(info, inspect.LiteralType):
        return "choice", list(info.values)
    return _FORMS.get(type(info), "any"), []


def _bound(info: inspect.Type, *names: str) -> float | None:
    return next((float(v) for n in names if (v := getattr(info, n, None)) is not None), None)


def _reported(default: Any) -> Any:
    try:
        text = msgspec.json.encode(default)
    except (TypeError, ValueError):
        return None
    return msgspec.json.decode(text) if len(text) <= MAX_REPORTED else None


def _fits(form: Form, value: Any) -> bool:
    if form == "flag":
        return isinstance(value, bool)
    if form in ("whole", "number"):
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return form == "number" or float(value).is_integer()
    wanted = {"text": str, "list": list, "map": dict}.get(form, object)
    return isinstance(value, wanted)


def _short(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else f"{text[:57]}..."
