"""What generated clients are made of: typed methods over a channel to one service."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from pie.model import PSM
from pie.rpc.channel import Channel
from pie.thrift import Method, Service, Struct

Invoke = Callable[[Method, Struct], Any]
Stub = TypeVar("Stub", bound="ServiceClient")


class ServiceClient:
    """The client of one service. It may be made at import time: what it calls, and where that is,
    is looked up when it is first used. It is thread-safe; its calls raise ``Failure``, or the
    exceptions that the IDL declares.

    Args:
        target: PSM of the service. Left out, ``conf/rpc/services/<ServiceName>.yml`` says it.
        consul_name: the same for a service that is known by a registry name and not on Pie.
        to_cluster: cluster to call; ``default`` if nothing says otherwise.
        timeout: seconds for a call with all its attempts; the deadline of the call being served
            wins when it is sooner.

    Raises:
        ValueError: the target is not a PSM, whose form registry names have too, is given twice, or
            the timeout is not above 0.
    """

    __slots__ = ("_invoke",)
    __service__: ClassVar[type[Service]]

    def __init__(
        self,
        target: str = "",
        *,
        consul_name: str = "",
        to_cluster: str = "",
        timeout: float | None = None,
    ) -> None:
        if target and consul_name:
            raise ValueError(
                f"{type(self).__name__} was given {target!r} and consul_name={consul_name!r}: "
                "one of them names the service"
            )
        if consul_name:
            _check_registry_name(consul_name, self.__service__.name)
        self._invoke: Invoke = Channel(
            self.__service__.name, target or consul_name, to_cluster=to_cluster, timeout=timeout
        ).invoke

    def _call(self, name: str, *args: Any) -> Any:
        method = self.__service__.methods[name]
        return self._invoke(method, method.args(*args))


def _check_registry_name(name: str, service: str) -> None:
    try:
        PSM.parse(name)
    except ValueError as error:
        raise ValueError(
            f"consul_name={name!r}: {error}. What is not on Pie has a name of this form too: it is "
            "registered with `sd register product.subsystem.module HOST:PORT --transport framed`, "
            f"or its addresses stand in conf/rpc/services/{service}.yml beside such a name"
        ) from None


def over(stub: type[Stub], invoke: Invoke) -> Stub:
    """A client whose calls are made by a function, for tests: it gets the method and the struct of
    the arguments, and returns the value or raises."""
    made = stub.__new__(stub)
    made._invoke = invoke
    return made
