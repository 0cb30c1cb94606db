"""What the routes work with, put together once by the platform's start."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from pie.platform.facts.budget import ByteBudget
from pie.platform.facts.client import FactsClient
from pie.platform.server.auth import Keys
from pie.platform.server.identity.mirror import PeopleMirror
from pie.platform.server.identity.who import TokensAndSessions
from pie.platform.server.views import StateHealth
from pie.state import Follower, Service, Store


@dataclass(frozen=True, slots=True)
class Deps:
    """Both engines and the keys: what every page may use.

    ``facts`` asks the column store, ``store`` holds desired state; ``registry`` gives everything
    registered, by PSM. The last two block for a moment and raise ``StoreError``. ``people`` are
    those who may log in, ``who`` knows them by what a request brings. ``follower`` tells of
    changes under prefixes of the store, ``state_health`` says how the store is.
    """

    keys: Keys
    facts: FactsClient
    store: Store
    registry: Callable[[], dict[str, Service]]
    ingest_budget: ByteBudget
    follower: Follower
    people: PeopleMirror
    who: TokensAndSessions
    state_health: Callable[[], StateHealth]


class Work:
    """What one page keeps between requests, and does meanwhile; used from one event loop."""

    async def run(self) -> None:
        """Work in the background until cancelled; this one has nothing to do."""

    def close(self) -> None:
        """End the answers that clients hold open: the platform stops."""


_Work = TypeVar("_Work", bound=Work)


def deps_of(request: Request) -> Deps:
    """The dependencies of the application that a request came to."""
    deps: Deps = request.app.state.deps
    return deps


AskDeps = Annotated[Deps, Depends(deps_of)]


def work_of(kind: type[_Work]) -> Callable[[Request], _Work]:
    """A dependency: the work of a page, by its class."""

    def find(request: Request) -> _Work:
        work: _Work = request.app.state.works[kind]
        return work

    return find
