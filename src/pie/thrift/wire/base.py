"""Base and BaseResp: caller and outcome, in field 255 of requests and responses.

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
    """The values of a Base. An ``env`` is sent as TrafficEnv when it is set or ``open`` is true."""

    logid: str = ""
    caller: str = ""
    addr: str = ""
    client: str = ""
    open: bool = False
    env: str = ""
    extra: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class BaseRespInfo:
    """The values of a BaseResp. Code 0 is success."""

    message: str = "SUCCESS"
    code: int = 0
    extra: dict[str, str] = field(default_factory=dict)


class Slot(NamedTuple):
    """The field of a struct that holds a Base or a BaseResp.

    Attributes:
        attr: of the field.
        cls: of the Base or BaseResp.
        inside: id → attribute of its fields.
        traffic_env: the slot in a Base that holds its TrafficEnv.
    """

    attr: str
    cls: type[Struct]
    inside: dict[int, str]
    traffic_env: "Slot | None"


def fill_base(args: Struct, info: BaseInfo) -> bool:
    """Put a new Base into every struct among the arguments that has a slot for one.

    Pairs of an Extra that the caller had put there are kept, unless ``info`` has the same key.
    Returns whether there was such a slot.
    """
    filled = False
    for owner in _owners(args):
        slot = base_slot(type(owner))
        if slot is None:
            continue
        filled = True
        old = _get(getattr(owner, slot.attr), slot, 6) or {}
        values: dict[int, Any] = {1: info.logid, 2: info.caller, 3: info.addr, 4: info.client}
        values[6] = {**old, **info.extra} or None
        base = _make(slot, values)
        env = slot.traffic_env
        if env is not None and (info.open or info.env):
            setattr(base, env.attr, _make(env, {1: info.open, 2: info.env}))
        setattr(owner, slot.attr, base)
    return filled


def read_base(args: Struct) -> BaseInfo | None:
    """The first Base among the arguments; None if none was sent."""
    for owner in _owners(args):
        slot = base_slot(type(owner))
        base = getattr(owner, slot.attr) if slot is not None else None
        if slot is None or base is None:
            continue
        logid, caller, addr, client = (_get(base, slot, number) or "" for number in range(1, 5))
        info = BaseInfo(logid, caller, addr, client, extra=dict(_get(base, slot, 6) or {}))
        env = slot.traffic_env
        if env is not None:
            sent = getattr(base, env.attr)
            info.open = bool(_get(sent, env, 1))
            info.env = _get(sent, env, 2) or ""
        return info
    return None


def fill_base_resp(response: Any, info: BaseRespInfo | None = None) -> bool:
    """Fill the BaseResp of a response; with success if nothing else is given.

    Values that the handler has set stay; a BaseResp in which it set nothing is replaced. Returns
    whether the response has a slot for one.
    """
    slot = resp_slot(type(response)) if isinstance(response, Struct) else None
    if slot is None:
        return False
    info = info or BaseRespInfo()
    base = getattr(response, slot.attr)
    untouched = not (_get(base, slot, 1) or _get(base, slot, 2) or _get(base, slot, 3))
    if untouched:
        values = {1: info.message, 2: info.code, 3: dict(info.extra) or None}
        setattr(response, slot.attr, _make(slot, values))
    elif info.extra and 3 in slot.inside:
        setattr(base, slot.inside[3], {**info.extra, **(_get(base, slot, 3) or {})})
    return True


def read_base_resp(response: Any) -> BaseRespInfo | None:
    """The BaseResp of a response; None if it has none."""
    slot = resp_slot(type(response)) if isinstance(response, Struct) else None
    base = getattr(response, slot.attr) if slot is not None else None
    if slot is None or base is None:
        return None
    extra = dict(_get(base, slot, 3) or {})
    return BaseRespInfo(_get(base, slot, 1) or "", _get(base, slot, 2) or 0, extra)


def _owners(args: Struct) -> list[Struct]:
    """The arguments themselves, and every struct among them."""
    values = [getattr(args, argument.attr) for argument in args.__fields__]
    return [args, *(value for value in values if isinstance(value, Struct))]


def _get(base: Any, slot: Slot, number: int) -> Any:
    attr = slot.inside.get(number)
    return None if base is None or attr is None else getattr(base, attr)


def _make(slot: Slot, values: dict[int, Any]) -> Struct:
    known = {slot.inside[n]: value for n, value in values.items() if n in slot.inside}
    return slot.cls(**known)


_BASE, _RESP = "_pie_base_slot", "_pie_resp_slot"
"""Attributes of a class that cache its slots."""


def base_slot(cls: type[Struct]) -> Slot | None:
    """The slot of a class for a Base; None if it has none."""
    if _BASE not in cls.__dict__:
        strings: dict[int, _Types] = dict.fromkeys(range(1, 5), (STRING,))
        slot = _slot(cls, FIELD_ID, {**strings, 6: (_STRINGS,)})
        if slot is not None:
            env = _slot(slot.cls, 5, {1: (BOOL,), 2: (STRING,)})
            slot = slot._replace(traffic_env=env)
        setattr(cls, _BASE, slot)
    found: Slot | None = cls.__dict__[_BASE]
    return found


def resp_slot(cls: type[Struct]) -> Slot | None:
    """The slot of a class for a BaseResp; None if it has none."""
    if _RESP not in cls.__dict__:
        types: dict[int, _Types] = {1: (STRING,), 2: (I16, I32, I64), 3: (_STRINGS,)}
        setattr(cls, _RESP, _slot(cls, FIELD_ID, types))
    found: Slot | None = cls.__dict__[_RESP]
    return found


def _slot(cls: type[Struct], number: int, types: dict[int, _Types]) -> Slot | None:
    """The struct field of a class that has this id, if fields 1 and 2 in it are as expected."""
    for outer in cls.__fields__:
        if outer.id == number and isinstance(outer.type, StructType):
            inside = {
                inner.id: inner.attr
                for inner in outer.type.cls.__fields__
                if inner.type in types.get(inner.id, ())
            }
            if 1 in inside and 2 in inside:
                return Slot(outer.attr, outer.type.cls, inside, None)
    return None
