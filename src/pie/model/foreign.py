"""What can be known of objects that others made, whatever their methods do.

An exception of a service, or a value in it, may raise in ``__str__``, ``__repr__``, ``__eq__``,
``__bool__`` or ``__class__``. Code that observes asks these functions, which never raise.
"""

from typing import Any, TypeGuard, TypeVar

T = TypeVar("T")
_name_of: Any = type.__dict__["__name__"].__get__  # A metaclass may have a ``__name__`` of its own.


def type_name(value: object) -> str:
    """The name of its class."""
    return str(_name_of(type(value)))


def is_a(value: object, kind: type[T]) -> TypeGuard[T]:
    """Whether it is an instance of a class; what it says of its class does not count."""
    return issubclass(type(value), kind)


def text_of(value: object) -> str:
    """Its ``str``, or which error that raised: an exact ``str``."""
    try:
        return str.__str__(value if is_a(value, str) else str(value))
    except BaseException as error:
        return f"<its text cannot be had: __str__ raised {type_name(error)}>"


def repr_of(value: object) -> str:
    """Its ``repr``, or the name of its class where that raised: an exact ``str``."""
    try:
        return str.__str__(repr(value))
    except BaseException:
        return f"<{type_name(value)}>"


def describe_error(error: BaseException) -> str:
    """An exception as one reads it: ``KeyError: 'x'``."""
    return f"{type_name(error)}: {text_of(error)}"
