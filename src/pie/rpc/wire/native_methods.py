"""The methods of a service for C (``codec/method.c``): each, and where Base stands in its structs.

The fields of these classes are read by name; a field that C does not read, or reads and does not
find, fails tests/core/test_contract.py.
"""

from typing import Any, NamedTuple

from pie.thrift import Method, Service
from pie.thrift.types import StructType
from pie.thrift.wire.base import FIELD_ID, Slot, base_slot, resp_slot


class BasePlan(NamedTuple):
    """A Base among the arguments of a method.

    Attributes:
        argument: index of the argument that holds it.
        owner: the argument's class; None if the argument is the Base itself.
        cls: the Base class.
        known: ids of the fields of Base that have the expected types.
        env_cls: the TrafficEnv class, None if this Base has none.
        env_known: likewise, of TrafficEnv.
    """

    argument: int
    owner: type | None
    cls: type
    known: frozenset[int]
    env_cls: type | None
    env_known: frozenset[int]


class RespPlan(NamedTuple):
    """The BaseResp of what a method returns: class of the value, of the BaseResp, and ids of the
    fields of BaseResp that have the expected types."""

    owner: type
    cls: type
    known: frozenset[int]


class MethodPlan(NamedTuple):
    """A method of a service.

    Attributes:
        description: the method; handed back to the Python functions that C calls.
        name: on the wire.
        attr: of the handler.
        client: what Base names as the client program.
        args: struct of its arguments.
        result: struct of its answer; None if it is oneway.
        has_value: it returns a value.
        bases: every Base among its arguments, the first that counts first.
        resp: the BaseResp of its value, None if there is none.
    """

    description: Method
    name: str
    attr: str
    client: str
    args: type
    result: type | None
    has_value: bool
    bases: list[BasePlan]
    resp: RespPlan | None


def method_plans(service: type[Service]) -> list[MethodPlan]:
    """The plans of a service's methods."""
    return [_plan(each) for each in service.methods.values()]


def _plan(method: Method) -> MethodPlan:
    return MethodPlan(
        description=method,
        name=method.name,
        attr=method.attr,
        client=f"pie/{method.service}",
        args=method.args,
        result=method.result,
        has_value=method.returns is not None,
        bases=_bases(method),
        resp=_resp(method),
    )


def _bases(method: Method) -> list[BasePlan]:
    found: list[BasePlan] = []
    own = base_slot(method.args)
    for index, argument in enumerate(method.args.__fields__):
        if own is not None and argument.id == FIELD_ID:
            found.insert(0, _base(index, None, own))
        elif isinstance(argument.type, StructType):
            base = base_slot(argument.type.cls)
            if base is not None:
                found.append(_base(index, argument.type.cls, base))
    return found


def _base(index: int, owner: Any, base: Slot) -> BasePlan:
    env = base.traffic_env
    return BasePlan(
        argument=index,
        owner=owner,
        cls=base.cls,
        known=frozenset(base.inside),
        env_cls=None if env is None else env.cls,
        env_known=frozenset() if env is None else frozenset(env.inside),
    )


def _resp(method: Method) -> RespPlan | None:
    if not isinstance(method.returns, StructType):
        return None
    base = resp_slot(method.returns.cls)
    if base is None:
        return None
    return RespPlan(owner=method.returns.cls, cls=base.cls, known=frozenset(base.inside))
