"""What the C server must know of a service: its methods, and where Base stands in their structs."""

from typing import Any

from pie.thrift import Method, Service
from pie.thrift.types import StructType
from pie.thrift.wire.base import FIELD_ID, base_slot, resp_slot


def method_plans(service: type[Service]) -> list[tuple[Method, list[Any], Any]]:
    """For each method: itself, the slots of a Base among its arguments, that of its BaseResp."""
    return [(each, _bases(each), _resp(each)) for each in service.methods.values()]


def _bases(method: Method) -> list[Any]:
    found: list[Any] = []
    own = base_slot(method.args)
    for index, argument in enumerate(method.args.__fields__):
        if own is not None and argument.id == FIELD_ID:
            found.insert(0, _base(index, None, own))
        elif isinstance(argument.type, StructType):
            slot = base_slot(argument.type.cls)
            if slot is not None:
                found.append(_base(index, argument.type.cls, slot))
    return found


def _base(index: int, owner: Any, slot: Any) -> tuple[Any, ...]:
    env = slot.traffic_env
    return (
        index,
        owner,
        slot.cls,
        frozenset(slot.inside),
        5,
        None if env is None else env.cls,
        frozenset() if env is None else frozenset(env.inside),
    )


def _resp(method: Method) -> Any:
    if not isinstance(method.returns, StructType):
        return None
    slot = resp_slot(method.returns.cls)
    return None if slot is None else (method.returns.cls, slot.cls, frozenset(slot.inside))
