"""What the routes work with, put together once by the platform's start."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request

from pie.platform.ask.reader import Reader
from pie.platform.facts.budget import ByteBudget
from pie.platform.facts.client import FactsClient
from pie.platform.pages.client_logs.build import ClientLimits
from pie.platform.pages.logs.search import LogSearch
from pie.platform.pages.logs.tail import Tails
from pie.platform.pages.logs.tasks.queue import Tasks
from pie.platform.server.auth import Keys
from pie.state import Service


@dataclass(frozen=True, slots=True)
class Deps:
    """``registry`` gives everything registered, by PSM; it may block for a moment.

    Client logs have a budget of their own: whoever has their key, slow senders of all kinds, must
    not take the room of the agents.
    """

    keys: Keys
    facts: FactsClient
    reader: Reader
    logs: LogSearch
    tails: Tails
    tasks: Tasks
    client_limits: ClientLimits
    registry: Callable[[], dict[str, Service]]
    ingest_budget: ByteBudget
    client_budget: ByteBudget


def deps_of(request: Request) -> Deps:
    """The dependencies of the application a request came to."""
    deps: Deps = request.app.state.deps
    return deps
