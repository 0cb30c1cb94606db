from typing import Any

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
    ) -> None: ...
    def work(self) -> None: ...
    def refuse(self) -> None: ...
    def drain(self, seconds: float, /) -> None: ...
    @property
    def connections(self) -> int: ...
    @property
    def threads(self) -> int: ...

def setup_metadata(
    name_from_peer: object, parse_span: object, normalise_logid: object, /
) -> None: ...
