"""What every section works with: who takes part, how long, and how a server is measured."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from common.machine import Cores
from common.measure import Broken, Load, Measured, Server, Tool
from common.peers import Peer
from common.stats import Key, Rounds, Value, interleave

Mix = Mapping[str, int]
"""Method or path → weight."""
P = TypeVar("P", bound=Peer)


@dataclass(frozen=True, kw_only=True)
class Bench(ABC, Generic[P]):
    """One run of a benchmark.

    Attributes:
        pie: that the others are compared with.
        others: libraries beside it.
        cores: who runs where.
        rounds: of every measurement.
        seconds: of one measurement.
        connections: the numbers of connections that calls are measured at.
        growth: those of the section on growth.
        say: shows progress.
    """

    pie: P
    others: tuple[P, ...]
    cores: Cores
    rounds: int
    seconds: float
    connections: tuple[int, ...]
    growth: tuple[int, ...]
    say: Callable[[str], None]

    @property
    def everyone(self) -> tuple[P, ...]:
        """Pie and the libraries beside it."""
        return (self.pie, *self.others)

    @abstractmethod
    def start(self, peer: P, *, cores: set[int] | None = None, **options: Any) -> Server:
        """Start a peer's server.

        Args:
            peer: whose.
            cores: instead of the server's.
            options: of the benchmark.

        Raises:
            Broken: it does not start.
        """

    @abstractmethod
    def generator(self, peer: P, server: Server, mix: str | Mix, load: Load) -> Tool:
        """A running generator.

        Raises:
            Broken: it cannot do this.
        """

    def interleave(
        self, keys: Sequence[Key], measure: Callable[[Key], Value]
    ) -> Rounds[Key, Value]:
        """Measure for every key in each of the rounds."""
        return interleave(self.rounds, keys, measure, self.say)

    def load(self, connections: int, **more: Any) -> Load:
        """An ordinary load."""
        return Load(connections, self.seconds, min(0.3, self.seconds), **more)

    @contextmanager
    def servers(self, *peers: P, **options: Any) -> Iterator[dict[P, Server | str]]:
        """Servers of several peers, all stopped at the end; a text = why there is none."""
        with ExitStack() as stack:
            found: dict[P, Server | str] = {}
            for peer in peers:
                self.say(f"starting {peer.name}")
                try:
                    found[peer] = stack.enter_context(self.start(peer, **options))
                except Broken as error:
                    found[peer] = str(error)
            yield found

    def measure(self, peer: P, server: Server | str, mix: str | Mix, load: Load) -> Measured:
        """Load a server.

        Args:
            peer: whose server.
            server: that runs; a text says why there is none.
            mix: the method or path, or several.
            load: to put on it.

        Raises:
            Broken: there is no server, or no call was answered.
        """
        if isinstance(server, str):
            raise Broken(server)
        return Measured.of(self.generator(peer, server, mix, load).result())

    @contextmanager
    def beside(self, peer: P, server: Server | str, mix: str | Mix, load: Load) -> Iterator[None]:
        """Another load on a server while something is measured."""
        if isinstance(server, str):
            raise Broken(server)
        tool = self.generator(peer, server, mix, load._replace(seconds=600.0))
        try:
            time.sleep(0.2)  # It is to be under way when the measurement begins.
            yield
        finally:
            tool.stop()

    def side(self, peer: P, *arguments: str) -> Any:
        """What a command of a peer's side prints, run on the servers' core.

        Raises:
            Broken: it fails.
        """
        return Tool(peer.command(*arguments), self.cores.server, peer.environ).result()
