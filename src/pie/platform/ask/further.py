"""Fields of call records that an answer shows without knowing them by name.

The type of an answer names the fields that its page has a use of. What else the table of records
marks for that answer (``Field.answers``) is shown as names and values, so a field that is added to
the table appears in the answer, and no page changes.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import msgspec

from pie.observe.facts.fields import Answer, fields_of
from pie.observe.facts.rows import CallRow

Further: TypeAlias = dict[str, str | int | float]
"""Values by the name of their field."""


def further(
    answer: Answer, view: type[Any], otherwise: Iterable[str]
) -> Callable[[CallRow], Further]:
    """Reads the further fields of a record, but for those that have their default.

    Args:
        answer: the list that is shown.
        view: type of its items, whose attributes are left out.
        otherwise: fields that the view shows under another name, or that follow from the list.
    """
    left_out = {*view.__annotations__, *otherwise}
    rest = _defaults(answer)
    shown = {name: default for name, default in rest.items() if name not in left_out}

    def read(row: CallRow) -> Further:
        found = {name: getattr(row, name) for name in shown}
        return {name: value for name, value in found.items() if value != shown[name]}

    return read


def _defaults(answer: Answer) -> Mapping[str, Any]:
    """The default of each field of an answer that is one text or number."""
    marked = fields_of(CallRow)
    return {
        each.name: each.default
        for each in msgspec.structs.fields(CallRow)
        if answer in marked[each.name].answers and isinstance(each.default, str | int | float)
    }
