"""The base classes of generated clients: typed methods over a channel to one service."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, TypeVar

from pie.model import PSM
from pie.rpc.client.async_channel import AsyncChannel
from pie.rpc.client.callee import Asked
from pie.rpc.client.channel import Channel
from pie.rpc.client.fast_path import Caller, caller
from pie.rpc.client.link import TLS, PoolLimits
from pie.thrift import Method, Service, Struct, failure_codes_of

Invoke = Callable[[Method, Struct], Any]
AsyncInvoke = Callable[[Method, Struct], Awaitable[Any]]
Stub = TypeVar("Stub", "ServiceClient", "AsyncServiceClient")


class _Client:
    """A client of one service, and how it is made."""

    __slots__ = ()
    __service__: ClassVar[type[Service]]

    def __init__(
        self,
        target: str = "",
        *,
        consul_name: str = "",
        to_cluster: str = "",
        timeout: float | None = None,
        address: str = "",
        tls: TLS | None = None,
        multiplex: bool | None = None,
        pool: PoolLimits | None = None,
    ) -> None:
        service = self.__service__.name
        name = _target(type(self).__name__, service, target, consul_name)
        codes = failure_codes_of(self.__service__)
        self._use(Asked(service, name, to_cluster, timeout, address, tls, multiplex, pool, codes))

    def _use(self, asked: Asked) -> None:
        """Make the channel for these arguments."""
        raise NotImplementedError


class ServiceClient(_Client):
    """The client of one service. It may be made at import time: the service and its instances are
    looked up at the first call. It is thread-safe; its calls raise ``Failure``, the exceptions that
    the IDL declares, or ``BusinessError`` for a business status that came instead of a value.
    Clients of one process share their connections.

    Args:
        target: PSM of the service. Left out, ``conf/rpc/services/<ServiceName>.yml`` names it.
        consul_name: the same for a service that is known by a registry name and not on Pie.
        to_cluster: cluster to call; ``default`` if the file names none either.
        timeout: seconds for a call with all its attempts; the deadline of the call being served
            wins when it is sooner.
        address: host, port and transport of a callee that is not looked up:
            ``127.0.0.1:9090/framed``, ``[::1]:9090/ttheader``, ``unix:/run/x.sock/buffered``.
        tls: speak TLS to it.
        multiplex: one connection to an instance carries all calls in flight (TTHeader only).
        pool: bounds of the connections to one instance.

    Raises:
        ValueError: the target is not a PSM, whose form registry names have too, or is given twice;
            the address is none or lacks the transport; the timeout is not above 0.
    """

    __slots__ = ("_call",)

    def _use(self, asked: Asked) -> None:
        self._call: Caller = caller(Channel(asked), self.__service__)


class AsyncServiceClient(_Client):
    """The same client for coroutines: its methods are awaited, on any event loop. Connections are
    shared by the clients of one loop. A cancelled call closes its connection, unless that carries
    other calls.

    Arguments and errors are those of ``ServiceClient``.
    """

    __slots__ = ("_invoke",)

    def _use(self, asked: Asked) -> None:
        self._invoke: AsyncInvoke = AsyncChannel(asked).invoke

    async def _call(self, name: str, *args: Any) -> Any:
        method = self.__service__.methods[name]
        return await self._invoke(method, method.args(*args))


def _target(client: str, service: str, target: str, consul_name: str) -> str:
    if target and consul_name:
        raise ValueError(
            f"{client} was given {target!r} and consul_name={consul_name!r}: "
            "one of them names the service"
        )
    if consul_name:
        _check_registry_name(consul_name, service)
    return target or consul_name


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
    the arguments, and returns the value or raises. That of an async client may be a coroutine
    function."""
    made = stub.__new__(stub)
    if isinstance(made, AsyncServiceClient):
        made._invoke = _awaited(invoke)
    else:
        made._call = _called(made.__service__, invoke)
    return made


def _called(service: type[Service], invoke: Invoke) -> Caller:
    def call(name: str, *args: Any) -> Any:
        method = service.methods[name]
        return invoke(method, method.args(*args))

    return call


def _awaited(invoke: Invoke) -> AsyncInvoke:
    async def invoke_async(method: Method, args: Struct) -> Any:
        value = invoke(method, args)
        return await value if inspect.isawaitable(value) else value

    return invoke_async
