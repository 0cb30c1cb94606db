"""The name of a view, whatever kind of object an application made it of."""

import functools
from typing import Any

from pie.model import is_a, text_of

_MAX_NAME = 200


def view_name(view: Any, otherwise: str) -> str:
    """``module.function`` or ``module.Class``; for an object that has no name, its class.

    Args:
        view: a function, a class or its ``as_view()``, a partial, or an object that is called.
        otherwise: the name where there is no view, or it does not even tell its class.
    """
    if view is None:
        return otherwise
    try:
        while is_a(view, functools.partial):
            view = view.func
        for attribute in ("view_class", "cls"):  # Of Flask and Django; of Django REST framework.
            kind = getattr(view, attribute, None)
            if kind is not None:
                view = kind
        name = getattr(view, "__qualname__", None)
        if name is None:
            view = type(view)
            name = view.__qualname__
        return f"{text_of(view.__module__)}.{text_of(name)}"[:_MAX_NAME]
    except Exception:
        return otherwise
