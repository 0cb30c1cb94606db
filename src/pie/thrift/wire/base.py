"""Base and BaseResp: who calls, and how it went, in field 255 of requests and responses.

Published IDLs vary the names, so everything here goes by field id and wire type. A field of these
structs that is not there, or is of another type, is passed over.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from pie.thrift.structs import Struct
from pie.thrift.types import BOOL, I16, I32, I64, STRING, MapType, StructType, ThriftType

FIELD_ID = 255
_STRINGS = MapType(STRING, STRING)
_Types: TypeAlias = tuple[ThriftType, ...]


@dataclass(slots=True)
class BaseInfo:
    """What a Base says. An ``env`` is sent as TrafficEnv when it is set or ``open`` is true."""

    logid: str = ""
    caller: str = ""
    addr: str = ""
    client: str = ""
    open: bool = False
    env: str = ""
    extra: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class BaseRespInfo:
    """What a BaseResp says. Code 0 is success."""

    message: str = "SUCCESS"
    code: int = 0
    extra: dict[str, str] = field(default_factory=dict)


class Place(NamedTuple):
    """A field that holds a Base or a BaseResp: its attribute, and the attributes inside by id."""

    attr: str
    cls: type[Struct]
    inside: dict[int, str]
    traffic_env: "Place | None"


def fill_base(args: Struct, info: BaseInfo) -> bool:
    """Put a new Base into every struct among the arguments that has a place for one.

    An Extra that the caller had put there is kept, where ``info`` does not say otherwise. Returns
    whether there was such a place.
    """
    filled = False
    for owner in _owners(args):
        place = base_place(type(owner))
        if place is None:
            continue
        filled = True
        old = _get(getattr(owner, place.attr), place, 6) or {}
        values: dict[int, Any] = {1: info.logid, 2: info.caller, 3: info.addr, 4: info.client}
        values[6] = {**old, **info.extra} or None
        base = _make(place, values)
        env = place.traffic_env
        if env is not None and (info.open or info.env):
            setattr(base, env.attr, _make(env, {1: info.open, 2: info.env}))
        setattr(owner, place.attr, base)
    return filled


def read_base(args: Struct) -> BaseInfo | None:
    """The first Base among the arguments; None if none was sent."""
    for owner in _owners(args):
        place = base_place(type(owner))
        base = getattr(owner, place.attr) if place is not None else None
        if place is None or base is None:
            continue
        logid, caller, addr, client = (_get(base, place, number) or "" for number in range(1, 5))
        info = BaseInfo(logid, caller, addr, client, extra=dict(_get(base, place, 6) or {}))
        env = place.traffic_env
        if env is not None:
            sent = getattr(base, env.attr)
            info.open = bool(_get(sent, env, 1))
            info.env = _get(sent, env, 2) or ""
        return info
    return None


def fill_base_resp(response: Any, info: BaseRespInfo | None = None) -> bool:
    """Say in a response how the call went; success if nothing else is given.

    What the handler has set in it stays; one in which it set nothing is filled like none. Returns
    whether the response has a place for it.
    """
    place = resp_place(type(response)) if isinstance(response, Struct) else None
    if place is None:
        return False
    info = info or BaseRespInfo()
    base = getattr(response, place.attr)
    untouched = not (_get(base, place, 1) or _get(base, place, 2) or _get(base, place, 3))
    if untouched:
        values = {1: info.message, 2: info.code, 3: dict(info.extra) or None}
        setattr(response, place.attr, _make(place, values))
    elif info.extra and 3 in place.inside:
        setattr(base, place.inside[3], {**info.extra, **(_get(base, place, 3) or {})})
    return True


def read_base_resp(response: Any) -> BaseRespInfo | None:
    """What a response says of how the call went; None if it says nothing."""
    place = resp_place(type(response)) if isinstance(response, Struct) else None
    base = getattr(response, place.attr) if place is not None else None
    if place is None or base is None:
        return None
    extra = dict(_get(base, place, 3) or {})
    return BaseRespInfo(_get(base, place, 1) or "", _get(base, place, 2) or 0, extra)


def _owners(args: Struct) -> list[Struct]:
    """The arguments themselves, and every struct among them."""
    values = [getattr(args, argument.attr) for argument in args.__fields__]
    return [args, *(value for value in values if isinstance(value, Struct))]


def _get(base: Any, place: Place, number: int) -> Any:
    attr = place.inside.get(number)
    return None if base is None or attr is None else getattr(base, attr)


def _make(place: Place, values: dict[int, Any]) -> Struct:
    known = {place.inside[n]: value for n, value in values.items() if n in place.inside}
    return place.cls(**known)


_BASE, _RESP = "_pie_base_place", "_pie_resp_place"
"""Where a class keeps what was found out about it."""


def base_place(cls: type[Struct]) -> Place | None:
    if _BASE not in cls.__dict__:
        strings: dict[int, _Types] = dict.fromkeys(range(1, 5), (STRING,))
        place = _place(cls, FIELD_ID, {**strings, 6: (_STRINGS,)})
        if place is not None:
            env = _place(place.cls, 5, {1: (BOOL,), 2: (STRING,)})
            place = place._replace(traffic_env=env)
        setattr(cls, _BASE, place)
    found: Place | None = cls.__dict__[_BASE]
    return found


def resp_place(cls: type[Struct]) -> Place | None:
    if _RESP not in cls.__dict__:
        types: dict[int, _Types] = {1: (STRING,), 2: (I16, I32, I64), 3: (_STRINGS,)}
        setattr(cls, _RESP, _place(cls, FIELD_ID, types))
    found: Place | None = cls.__dict__[_RESP]
    return found


def _place(cls: type[Struct], number: int, types: dict[int, _Types]) -> Place | None:
    """The struct field of a class that has this id, if fields 1 and 2 in it are as expected."""
    for outer in cls.__fields__:
        if outer.id == number and isinstance(outer.type, StructType):
            inside = {
                inner.id: inner.attr
                for inner in outer.type.cls.__fields__
                if inner.type in types.get(inner.id, ())
            }
            if 1 in inside and 2 in inside:
                return Place(outer.attr, outer.type.cls, inside, None)
    return None
