"""Values that change while a service runs: no restart, no release.

    from pie import config

    size = config.get("feed.page_size", default=20)

The value is published for the service (``pie config set``, or its page *dynamic config*), and is
here within a second. Without one, and outside of a service, the default holds.

    @config.schema("feed")
    class Feed:
        page_size: Annotated[int, Meta(ge=1, le=100, description="Items in a page.")] = 20

    Feed.page_size  # Always the value in force.

A schema bounds and explains values, so that wrong ones are refused when somebody publishes them.
"""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar, get_type_hints

from msgspec import Meta

from pie.state.config.live import LIVE, UNSET, Callback, Watcher

__all__ = ["Secret", "get", "schema", "watch"]

T = TypeVar("T")
C = TypeVar("C")

Secret = Annotated[str, Meta(extra={"secret": True})]
"""The type of a field whose value is shown to nobody."""

_ready = LIVE.ready
_resolve = LIVE.resolve
_MISSING = (None, None)


def get(key: str, default: T = None) -> T:  # type: ignore[assignment]
    """The value of a key in force, or the default; a value of another type is not used.

    The first read in a process waits for the store, at most a second; later ones take less than
    100 ns. A list or a map is a fresh copy at each read, which takes longer.

    Args:
        key: such as ``feed.page_size``.
        default: holds while no value is published; its type is that of the value. None takes any.

    Raises:
        TypeError: the default is of a type that JSON cannot say.
    """
    kind, value = _ready.get(key, _MISSING)
    if kind is type(default):
        return default if value is UNSET else value  # type: ignore[return-value]
    return _resolve(key, default)  # type: ignore[no-any-return]


def watch(key: str, callback: Callback) -> Watcher:
    """Call ``callback`` with the new value after each change of a key's value.

    Callbacks run one at a time, on a thread of their own. One that raises is logged, and called
    again at the next change. When the value is taken away, it gets the default.

    Returns:
        The watcher; its ``close`` ends it.
    """
    return LIVE.watch(key, callback)


def schema(prefix: str) -> Callable[[type[C]], type[C]]:
    """Declare the keys under a prefix as the annotated fields of a class, which holds the values.

    A field's type may carry bounds and help (``Annotated[int, Meta(ge=1, description="…")]``). Read
    the values from the class; they are replaced there when others are in force. Do not change a
    list or a map that you find there.

    Raises:
        TypeError: a field has no default, or a type that JSON cannot say.
    """

    def declare(cls: type[C]) -> type[C]:
        fields: dict[str, tuple[Any, Any]] = {}
        names: dict[str, str] = {}
        for name, kind in get_type_hints(cls, include_extras=True).items():
            if name not in vars(cls):
                raise TypeError(f"{cls.__name__}.{name} needs a default: it holds until a value "
                                "is published")  # fmt: skip
            key = f"{prefix}.{name}" if prefix else name
            fields[key] = kind, vars(cls)[name]
            names[name] = key

        def renew() -> None:
            for name, key in names.items():
                setattr(cls, name, LIVE.value(key))

        LIVE.declare(fields, renew)
        return cls

    return declare
