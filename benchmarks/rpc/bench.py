"""The benchmark of RPC: how a library's server is started and loaded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common import bench as common
from common.bench import Mix
from common.measure import Broken, Load, Server, Tool, load_arguments, more_arguments
from peers import FLOOR, GRPCIO, PEERS, Peer
from workload.encoded import Encoded


@dataclass(frozen=True, kw_only=True)
class Bench(common.Bench[Peer]):
    """One run of the benchmark.

    Attributes:
        calls: encoded, by method.
    """

    calls: Mapping[str, Encoded]

    def start(
        self,
        peer: Peer,
        *,
        cores: set[int] | None = None,
        threads: int = 0,
        variant: str = "",
        canned: bool = False,
    ) -> Server:
        """Start a peer's server.

        Args:
            peer: whose.
            cores: instead of the server's.
            threads: that run handlers; 0 = the peer's number.
            variant: of the server.
            canned: the floor answers with what a handler would, rather than with the call.

        Raises:
            Broken: it does not start.
        """
        if peer == FLOOR:
            replies = [str(each.reply) for each in self.calls.values()] if canned else []
            command = [str(PEERS / "floor"), *replies]
        else:
            number = threads or peer.threads
            command = peer.command("serve", f"--threads={number}", f"--variant={variant}")
        return Server(peer.name, command, cores or self.cores.server, peer.environ)

    def generator(self, peer: Peer, server: Server, mix: str | Mix, load: Load) -> Tool:
        """A running generator: ours, or for gRPC its own client."""
        methods = {mix: 1} if isinstance(mix, str) else mix
        arguments: list[Any] = load_arguments(load, server)
        away = self.cores.generator
        if peer == GRPCIO:
            if len(methods) > 1 or load.rate or load.idle:
                raise Broken("the generator for gRPC cannot do this")
            command = [str(peer.python), "-m", "sides.grpcio_load", *arguments]
            return Tool([*command, f"--method={next(iter(methods))}"], away, peer.environ)
        for method, weight in methods.items():
            call = self.calls[method]
            file = call.ttheader if peer.transport == "ttheader" else call.framed
            size = call.reply_size if method in ("Echo", "MGetItems") else 0
            arguments.append(f"--request={file},{weight},{size}")
        return Tool([str(PEERS / "load"), *arguments, *more_arguments(load)], away, peer.environ)
