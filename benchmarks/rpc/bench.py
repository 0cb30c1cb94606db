"""What every section works with: who takes part, how long, and how a server is measured."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from common.machine import Cores
from common.measure import Broken, Load, Measured, Server, Tool, load_arguments
from common.stats import Key, Rounds, Value, interleave
from peers import FLOOR, GRPCIO, PEERS, PIE, Peer
from workload.encoded import Encoded

Mix = Mapping[str, int]
"""Method → weight."""


@dataclass(frozen=True)
class Bench:
    """One run of the benchmark.

    Attributes:
        others: libraries beside Pie.
        cores: who runs where.
        rounds: of every measurement.
        seconds: of one measurement.
        connections: the numbers of connections that calls are measured at.
        growth: those of the section on growth.
        calls: encoded, by method.
        say: shows progress.
    """

    others: tuple[Peer, ...]
    cores: Cores
    rounds: int
    seconds: float
    connections: tuple[int, ...]
    growth: tuple[int, ...]
    calls: Mapping[str, Encoded]
    say: Callable[[str], None]

    def interleave(
        self, keys: Sequence[Key], measure: Callable[[Key], Value]
    ) -> Rounds[Key, Value]:
        """Measure for every key in each of the rounds."""
        return interleave(self.rounds, keys, measure, self.say)

    def load(self, connections: int, **more: Any) -> Load:
        """An ordinary load."""
        return Load(connections, self.seconds, min(0.3, self.seconds), **more)

    def start(
        self,
        peer: Peer,
        *,
        threads: int = 0,
        variant: str = "",
        cores: set[int] | None = None,
        canned: bool = False,
    ) -> Server:
        """Start a peer's server.

        Args:
            peer: whose.
            threads: that run handlers; 0 = the peer's number.
            variant: of the server.
            cores: instead of the server's.
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

    @contextmanager
    def servers(self, *peers: Peer, **options: Any) -> Iterator[dict[Peer, Server | str]]:
        """Servers of several peers, all stopped at the end; a text = why there is none."""
        with ExitStack() as stack:
            found: dict[Peer, Server | str] = {}
            for peer in peers:
                self.say(f"starting {peer.name}")
                try:
                    found[peer] = stack.enter_context(self.start(peer, **options))
                except Broken as error:
                    found[peer] = str(error)
            yield found

    def measure(self, peer: Peer, server: Server | str, mix: str | Mix, load: Load) -> Measured:
        """Load a server.

        Args:
            peer: whose server.
            server: that runs; a text says why there is none.
            mix: the method, or several.
            load: to put on it.

        Raises:
            Broken: there is no server, or no call was answered.
        """
        if isinstance(server, str):
            raise Broken(server)
        return Measured.of(self.generator(peer, server, mix, load).result())

    def generator(self, peer: Peer, server: Server, mix: str | Mix, load: Load) -> Tool:
        """A running generator: ours, or for gRPC its own client."""
        methods = {mix: 1} if isinstance(mix, str) else mix
        arguments = load_arguments(load, server)
        if peer == GRPCIO:
            if len(methods) > 1 or load.rate or load.idle:
                raise Broken("the generator for gRPC cannot do this")
            command = [str(peer.python), "-m", "sides.grpcio_load", *arguments]
            return Tool([*command, f"--method={next(iter(methods))}"], self._away, peer.environ)
        for method, weight in methods.items():
            call = self.calls[method]
            file = call.ttheader if peer.transport == "ttheader" else call.framed
            size = call.reply_size if method in ("Echo", "MGetItems") else 0
            arguments.append(f"--request={file},{weight},{size}")
        arguments += [f"--idle={load.idle}", f"--rate={load.rate}"]
        return Tool([str(PEERS / "load"), *arguments], self._away, peer.environ)

    @contextmanager
    def beside(
        self, peer: Peer, server: Server | str, mix: str | Mix, load: Load
    ) -> Iterator[None]:
        """Another load on a server while something is measured."""
        if isinstance(server, str):
            raise Broken(server)
        tool = self.generator(peer, server, mix, load._replace(seconds=600.0))
        try:
            time.sleep(0.2)  # It is to be under way when the measurement begins.
            yield
        finally:
            tool.stop()

    def side(self, peer: Peer, *arguments: str) -> Any:
        """What a command of a peer's side prints, run on the servers' core.

        Raises:
            Broken: it fails.
        """
        return Tool(peer.command(*arguments), self.cores.server, peer.environ).result()

    @property
    def everyone(self) -> tuple[Peer, ...]:
        """Pie and the libraries beside it."""
        return (PIE, *self.others)

    @property
    def _away(self) -> set[int]:
        return self.cores.generator
