"""What a function of either codec does, in a form that can be compared."""

from collections.abc import Callable
from typing import Any

from tests.core.random_thrift import shape


def outcome(act: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[str, Any]:
    """("value", its shape), or the name of the error and its text."""
    try:
        value = act(*args, **kwargs)
    except Exception as error:
        return type(error).__name__, str(error)
    return "value", shape(value)
