"""``pie platform``: one command and one directory, two processes."""

import asyncio
import contextlib
import fcntl
import getpass
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import quote

from pie.model import Failure
from pie.platform.app import build_app, page_works
from pie.platform.facts.budget import ByteBudget
from pie.platform.facts.client import FactsClient
from pie.platform.facts.frames import Hello
from pie.platform.govern.rollout import RolloutWorker
from pie.platform.govern.shift import ShiftWorker
from pie.platform.server.auth import Keys, TokenFileError, load_or_create_keys, user_name
from pie.platform.server.deps import Deps, Work
from pie.platform.server.event_relay import EventRelay
from pie.platform.server.fenced import FencedWork, run_fenced
from pie.platform.server.http_server import PlatformServer
from pie.platform.server.identity.mirror import PeopleMirror
from pie.platform.server.identity.uses import TokenUses
from pie.platform.server.identity.who import TokensAndSessions
from pie.platform.server.keep_on import keep_on
from pie.platform.server.state_access import access_of
from pie.platform.server.state_engine import EMBEDDED, StateEngine, open_engine
from pie.platform.server.state_routes import state_router
from pie.platform.server.supervisor import Supervisor
from pie.state import Follower, lookup_services
from pie.state.store.embedded import StateFileError

_STATIC = Path(__file__).parent / "static"
_INGEST_BYTES = 64 << 20
_STORE_MEMORY = 1 << 30
_LOCK_PATIENCE = 10.0
_GRACE_S = 3
_SETTLE_PATIENCE = 20.0
"""Seconds to wait with the announcement for the store of facts; requests are answered meanwhile."""


class PlatformError(Exception):
    """The platform cannot start or continue; the message has the reason and the remedy."""


def run_platform(
    directory: Path,
    host: str = "127.0.0.1",
    port: int = 8790,
    *,
    allowed_hosts: Sequence[str] = (),
    insert_interval: float = 0.5,
    state: str = EMBEDDED,
    on_ready: Callable[[str, str], None] | None = None,
) -> None:
    """Run the platform until SIGTERM or SIGINT; to be called in the main thread.

    Args:
        directory: holds everything the platform keeps; made with mode 0700 if missing.
        host: address to listen on.
        port: port to listen on, 0 for any free one.
        allowed_hosts: names, beside IP addresses, localhost and this host's own, under which
            people and services address the platform.
        insert_interval: seconds between two inserts into one table at least; rows that come
            sooner wait, and go in together.
        state: where desired state is kept: ``embedded`` in the directory, or the address of an
            etcd cluster (``etcd://HOST:PORT,…``), which several platforms may share.
        on_ready: called with the platform's address and its login link once it serves and the
            store of facts is open, cannot be opened, or takes long; prints them by default.

    Raises:
        PlatformError: another platform has the directory or the port, or a file in the directory
            cannot be used. What befalls the store of facts never ends the platform: registry,
            configuration and pages go on, and ``/api/health`` says what is wrong.
    """
    with _own(directory):
        try:
            keys = load_or_create_keys(directory)
            engine = open_engine(state, directory, _say)
        except (TokenFileError, StateFileError, ValueError) as error:
            raise PlatformError(str(error)) from error
        except OSError as error:
            raise PlatformError(f"a file in {directory} cannot be used: {error}") from error
        try:
            with _listen(host, port) as listener:
                engine.start()
                platform = _Platform(
                    directory, keys, engine, listener, allowed_hosts, insert_interval
                )
                asyncio.run(platform.run(on_ready or _print_ready(directory)))
        finally:
            engine.stop()


class _Platform:
    """Both processes, from the parent's side."""

    def __init__(
        self,
        directory: Path,
        keys: Keys,
        engine: StateEngine,
        listener: socket.socket,
        allowed_hosts: Sequence[str],
        insert_interval: float,
    ) -> None:
        self._insert_interval = insert_interval
        self._directory = directory
        self._keys = keys
        self._store = engine.store
        self._state_health = engine.health
        self._listener = listener
        self._host_names = {"localhost", socket.gethostname(), *allowed_hosts}

    async def run(self, on_ready: Callable[[str, str], None]) -> None:
        people = PeopleMirror(self._store)
        follower = Follower(self._store)
        people.start(follower)
        facts = FactsClient()
        supervisor = Supervisor(self._hello(), facts, _say)
        deps = self._deps(facts, follower, people)
        works = page_works(deps)
        server = self._server(deps, works)
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)

        supervising = asyncio.create_task(supervisor.run())
        working = {
            asyncio.create_task(keep_on(type(work).__name__, work.run)) for work in works
        } | {
            asyncio.create_task(keep_on("the door", server.door.run)),
            asyncio.create_task(keep_on("last uses", TokenUses(self._store, people).run)),
            *(
                asyncio.create_task(keep_on(type(work).__name__, partial(run_fenced, work)))
                for work in self._fenced(facts)
            ),
        }
        serving = asyncio.create_task(server.serve(sockets=[self._listener]))
        stopping = asyncio.create_task(stop.wait())
        settled = asyncio.create_task(supervisor.settled.wait())
        try:
            await asyncio.wait(
                {settled, serving, stopping},
                return_when=asyncio.FIRST_COMPLETED,
                timeout=_SETTLE_PATIENCE,
            )
            if not serving.done() and not stop.is_set():
                address = _address(self._listener)
                on_ready(address, _login_link(address, self._keys.admin))
                await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            follower.stop()
            self._store.end_watches()
            for work in works:
                work.close()
            server.should_exit = True
            await serving
            for task in (supervising, *working, stopping, settled):
                task.cancel()
            await asyncio.wait({supervising, *working})

    def _hello(self) -> Hello:
        return Hello(
            directory=str(self._directory.resolve()),
            memory=_STORE_MEMORY,
            insert_interval=self._insert_interval,
            lock_patience=_LOCK_PATIENCE,
        )

    def _fenced(self, facts: FactsClient) -> Sequence[FencedWork]:
        """What one platform of all that share a store does."""
        return (
            EventRelay(self._store, facts),
            RolloutWorker(self._store, facts.query),
            ShiftWorker(self._store, facts.query),
        )

    def _deps(self, facts: FactsClient, follower: Follower, people: PeopleMirror) -> Deps:
        return Deps(
            keys=self._keys,
            facts=facts,
            store=self._store,
            registry=lambda: lookup_services(self._store),
            ingest_budget=ByteBudget(_INGEST_BYTES),
            follower=follower,
            people=people,
            state_health=self._state_health,
            who=TokensAndSessions(self._keys, people),
        )

    def _server(self, deps: Deps, works: list[Work]) -> PlatformServer:
        app = build_app(
            deps, works, state_router(self._store, access_of), _STATIC, self._host_names
        )
        return PlatformServer(app, _GRACE_S)


@contextlib.contextmanager
def _own(directory: Path) -> Iterator[None]:
    """The directory, for this process alone."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(directory / "platform.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise PlatformError(
            f"the directory {directory} cannot be used ({error.strerror}): "
            "choose another with --directory"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise PlatformError(
            f"another platform runs in {directory}: stop it, or choose another directory "
            "with --directory"
        ) from None
    try:
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _listen(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Inherited by every connection: a small answer must not wait for a delayed acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise PlatformError(
                f"cannot listen on {host} port {port} ({error.strerror}): stop what uses it, "
                "or choose others with --host and --port"
            ) from error
        listener.listen(1024)
        yield listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _login_link(address: str, token: str) -> str:
    try:
        user = user_name(getpass.getuser())
    except (OSError, KeyError, ImportError, Failure):  # a user id without a name, as in containers
        user = "admin"
    return f"{address}/login?token={token}&user={quote(user, safe='')}"


def _print_ready(directory: Path) -> Callable[[str, str], None]:
    def ready(address: str, login: str) -> None:
        _say(f"ready on {address}")
        _say(f"log in: {login}")
        _say(f"services and agents use the token in {directory / 'service.token'}")
        _say(f"browsers and apps send their logs with the key in {directory / 'client.token'}")

    return ready


def _say(sentence: str) -> None:
    # Where the output goes may be full or gone; that ends neither the registry nor who speaks.
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.write(f"pie platform: {sentence}\n")
        sys.stdout.flush()
