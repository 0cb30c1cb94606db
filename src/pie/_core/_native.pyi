from typing import Any, TypeVar

S = TypeVar("S")

class Program:
    """A struct class compiled, as its ``_pie_program``."""

    @property
    def plain(self) -> bool: ...

def encode(value: object, *, protocol: str = ..., max_depth: int = ...) -> bytes: ...
def encode_into(
    out: bytearray, value: object, *, protocol: str = ..., max_depth: int = ...
) -> None: ...
def decode(
    cls: type[S],
    data: bytes | bytearray | memoryview,
    offset: int = ...,
    *,
    protocol: str = ...,
    max_depth: int = ...,
    decoded_limit: int = ...,
) -> S: ...

class Server:
    """A Thrift server's loop; see pie.rpc.leader."""

    def __init__(
        self,
        *,
        listener: int,
        handler: object,
        methods: list[tuple[Any, list[Any], Any]],
        gates: object,
        twin: object,
        hooks: object,
        psm: str,
        cluster: str,
        struct_exception: type[BaseException],
        decoded_limit: int,
        limits: tuple[int, int, int, int, float, float, float],
        max_pending: int = 0,
    ) -> None: ...
    def work(self) -> None: ...
    def refuse(self) -> None: ...
    def turn(self) -> bool: ...
    def fileno(self) -> int: ...
    def drain(self, seconds: float, /) -> None: ...
    @property
    def pending(self) -> int: ...
    @property
    def connections(self) -> int: ...
    @property
    def threads(self) -> int: ...

class Pending:
    """A request whose handler runs on an asyncio loop."""

    def finish(self, task: object, /) -> None: ...

def setup_metadata(
    name_from_peer: object, parse_span: object, normalise_logid: object, /
) -> None: ...
