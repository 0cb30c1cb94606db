"""Strangers cannot keep known clients out: bounds of their own, and times that end."""

import asyncio
import contextlib
import json
import logging
import os
import resource
import signal
import socket
import threading
import time

import pytest
from fastapi import Depends, FastAPI

from pie.observe.log.seldom import FEW
from pie.platform.server.auth import Keys
from pie.platform.server.door import (
    BODY_S,
    HEAD_S,
    STALL_S,
    STRANGER_REQUEST_S,
    Bounds,
    Door,
    Standing,
)
from pie.platform.server.gatekeeper import Gatekeeper, require
from pie.platform.server.http_server import PlatformServer
from pie.platform.server.identity.mirror import PeopleMirror
from pie.platform.server.identity.who import TokensAndSessions
from pie.platform.server.state_access import access_of
from pie.platform.server.state_routes import state_router
from pie.state import MemoryStore, RemoteStore, StoreAway

KEYS = Keys(admin="a" * 32, service="s" * 32, client="c" * 32)
BOUNDS = Bounds(strangers=8, known=4, watches=3)


class Room:
    """A door without sockets: names enter it, and a list says who was cut."""

    def __init__(self, bounds: Bounds = BOUNDS) -> None:
        self.now = 0.0
        self.cut: list[str] = []
        self.door = Door(bounds, clock=lambda: self.now)

    def enter(self, name: str, address: str = "", reading: bool = False):
        return self.door.enter(address or name, lambda: self.cut.append(name), lambda: reading)


def test_the_address_with_most_strangers_gives_way():
    room = Room()
    room.enter("patient", "10.0.0.1")
    for number in range(50):
        room.enter(f"flood {number}", "10.0.0.66")
    assert "patient" not in room.cut
    assert room.cut == [f"flood {number}" for number in range(43)]
    assert room.door.count(Standing.STRANGER) == 8


def test_of_an_address_one_that_waits_goes_before_one_that_is_served():
    room = Room()
    served = room.enter("served", "x")
    room.door.begin(served)
    for number in range(9):
        room.enter(str(number), "x")
    assert room.cut == ["0", "1"]


def test_a_known_client_takes_no_room_of_strangers_and_they_none_of_its():
    room = Room()
    for number in range(4):
        room.door.know(room.enter(f"known {number}", "x"))
    for number in range(100):
        room.enter(f"flood {number}", "x")
    assert not [name for name in room.cut if name.startswith("known")]
    assert room.door.count(Standing.KNOWN) == 4


def test_when_known_clients_are_many_an_idle_one_goes_and_none_that_is_served():
    room = Room()
    guests = [room.enter(str(number)) for number in range(4)]
    for guest in guests:
        room.door.begin(guest)
        room.door.know(guest)
    late = room.enter("late")
    with pytest.raises(Exception, match="4 requests are being served, the platform's limit"):
        room.door.know(late)
    room.door.finish(guests[2])
    room.door.know(late)
    assert room.cut == ["2"]


def test_a_watch_counts_apart():
    room = Room()
    for number in range(3):
        guest = room.enter(str(number))
        room.door.know(guest)
        room.door.watch(guest)
    fourth = room.enter("fourth")
    room.door.know(fourth)
    with pytest.raises(Exception, match=r"3 watches are open, .* raise the limit of open files"):
        room.door.watch(fourth)
    assert room.door.count(Standing.KNOWN) == 1
    room.door.unwatch(guest)
    room.door.watch(fourth)
    assert room.cut == []


def test_times_end():
    def after(seconds: float, prepare) -> bool:
        """Whether a connection in some state is cut once that time is over, and not before."""
        room = Room()
        prepare(room)
        room.now = seconds - 0.1
        room.door.sweep()
        early = bool(room.cut)
        room.now = seconds + 0.1
        room.door.sweep()
        return bool(room.cut) and not early

    def trickling(room: Room) -> None:
        guest = room.enter("trickle")
        room.door.heard(guest)
        room.now = HEAD_S - 1
        room.door.heard(guest)

    def stranger_served(room: Room) -> None:
        room.door.begin(room.enter("slow reader"))

    def known_half(room: Room) -> None:
        guest = room.enter("half")
        room.door.know(guest)
        room.door.heard(guest)

    def known_body(room: Room) -> None:
        guest = room.enter("body", reading=True)
        room.door.begin(guest)
        room.door.know(guest)

    def stalled_watch(room: Room) -> None:
        guest = room.enter("watch")
        room.door.know(guest)
        room.door.watch(guest)
        room.door.stall(guest)

    def idle_known(room: Room) -> None:
        room.door.know(room.enter("idle"))

    assert after(HEAD_S, lambda room: room.enter("silent"))
    assert after(HEAD_S, trickling)
    assert after(STRANGER_REQUEST_S, stranger_served)
    assert after(HEAD_S, known_half)
    assert after(BODY_S, known_body)
    assert after(STALL_S, stalled_watch)
    assert not after(10_000.0, idle_known), "uvicorn's own time ends it"


@pytest.mark.parametrize("descriptors", [64, 256, 1024, 20_000, 1 << 20])
def test_the_bounds_leave_descriptors_for_the_rest(descriptors):
    bounds = Bounds.within(descriptors)
    assert min(bounds) > 0
    assert sum(bounds) <= descriptors
    assert descriptors < 1024 or descriptors - sum(bounds) >= 256


# -- with sockets -----------------------------------------------------------------------------


class Served:
    """The state routes behind gatekeeper and door, in a thread, without the column store."""

    def __init__(self, bounds: Bounds) -> None:
        self.engine = MemoryStore()
        app = FastAPI()
        app.include_router(
            state_router(self.engine, access_of, heartbeat=0.1),
            dependencies=[Depends(require("service", "admin"))],
        )
        self.door = Door(bounds)
        who = TokensAndSessions(KEYS, PeopleMirror(self.engine))
        gate = Gatekeeper(app, who, ["localhost"])
        self._server = PlatformServer(gate, 1, self.door)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),))
        self._thread.start()

    async def _serve(self) -> None:
        await self._server.serve(sockets=[self._listener])

    def stop(self) -> None:
        self.engine.end_watches()
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    def store(self) -> RemoteStore:
        return RemoteStore(f"http://127.0.0.1:{self.port}", KEYS.admin, timeout=20)

    def connect(self, data: bytes = b"") -> socket.socket:
        opened = socket.create_connection(("127.0.0.1", self.port))
        if data:
            opened.sendall(data)
        return opened


@pytest.fixture
def served():
    server = Served(BOUNDS)
    yield server
    server.stop()


def until(met, what: str) -> None:
    end = time.monotonic() + 20
    while not met():
        assert time.monotonic() < end, f"not within 20 s: {what}"
        time.sleep(0.01)


def test_a_crowd_of_strangers_keeps_nobody_out(served):
    halves = [
        b"",
        b"POST /api/state/get HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
        b"POST /api/state/get HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900\r\n\r\n{",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer wrong\r\n\r\n",
    ]
    store = served.store()
    store.put("/pie/services/a.b.c/meta", "1")
    with contextlib.ExitStack() as crowd, store.watch("/pie/services/a.b.c/meta") as watch:
        next(watch)
        for number in range(200):
            crowd.enter_context(served.connect(halves[number % 4]))
            if number % 20 == 0:
                assert store.get("/pie/services/a.b.c/meta").value == "1"
        until(lambda: served.door.cut >= 150, "the crowd to displace itself")
        store.put("/pie/services/a.b.c/meta", "2")
        seen = next(batch.events for batch in watch if batch.events)
        assert [event.value for event in seen] == ["2"]
    until(lambda: served.door.count(Standing.STRANGER) == 0, "the strangers to be forgotten")


def test_a_stranger_s_body_is_not_read(served):
    head = b"POST /api/state/put HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8000000\r\n\r\n"
    with served.connect(head) as stranger:
        assert stranger.recv(100).startswith(b"HTTP/1.1 401")


def test_watches_have_a_bound_of_their_own(served):
    store = served.store()
    watches = [store.watch("/pie/services/a.b.c/meta") for _ in range(3)]
    with pytest.raises(StoreAway, match="3 watches are open, the platform's limit"):
        store.watch("/pie/services/a.b.c/meta")
    store.put("/pie/services/a.b.c/meta", "x")  # ordinary requests are not affected
    for watch in watches:
        assert next(batch.events for batch in watch if batch.events)[0].value == "x"
        watch.close()
    until(lambda: served.door.count(Standing.WATCH) == 0, "the watches to end")
    store.watch("/pie/services/a.b.c/meta").close()


def test_a_watcher_that_does_not_read_is_cut_and_goes_on_from_its_revision(served, monkeypatch):
    monkeypatch.setattr("pie.platform.server.door.STALL_S", 0.2)
    store = served.store()
    known = store.put("/s/0", "")
    with store.stream({"/s/": known}) as slow:
        next(slow)
        until(lambda: served.door.count(Standing.WATCH) == 1, "the watch")
        stop = time.monotonic() + 20
        while served.door.count(Standing.WATCH) and time.monotonic() < stop:
            store.put("/s/1", "x" * 500_000)
            served.door.sweep()
        assert not served.door.count(Standing.WATCH), "the slow watcher was cut"
    last = store.put("/s/2", "last")
    with store.stream({"/s/": last - 1}) as again:
        assert next(batch.events for batch in again if batch.events)[0].value == "last"


def test_complaints_that_strangers_cause_are_few(served, caplog):
    with caplog.at_level(logging.WARNING, "uvicorn.error"):
        for _ in range(30):
            with served.connect(b"\x00\x01 nonsense\r\n\r\n") as hostile:
                assert hostile.recv(100).startswith(b"HTTP/1.1 400")
    assert len([r for r in caplog.records if "Invalid HTTP request" in r.message]) <= FEW


# -- the platform itself ----------------------------------------------------------------------


@pytest.mark.slow
def test_as_many_strangers_as_the_limit_allows(own_platform):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    many = min(hard - 500, 6000)
    store = RemoteStore(
        f"http://127.0.0.1:{own_platform.port}", own_platform.token("admin"), timeout=20
    )
    store.put("/pie/services/a.b.c/meta", json.dumps({"psm": "a.b.c"}))
    halves = [b"", b"GET / HTTP/1.1\r\nX: ", b"POST /api/state/get HTTP/1.1\r\nContent-Len"]
    try:
        with contextlib.ExitStack() as crowd:
            for number in range(many):
                opened = socket.create_connection(("127.0.0.1", own_platform.port))
                crowd.enter_context(opened)
                with contextlib.suppress(OSError):
                    opened.sendall(halves[number % 3])
                if number % 500 == 0:
                    assert own_platform.ask("GET", "/api/session").status == 200
                    assert own_platform.ask("GET", "/api/health", role=None).status == 200
                    assert store.get("/pie/services/a.b.c/meta") is not None
            assert own_platform.ask("GET", "/api/chains").status == 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert own_platform.stop() == 0


@pytest.mark.slow
def test_the_platform_outlives_a_time_without_descriptors(own_platform):
    """Also that of its facts process, which then cannot be started anew at once."""
    pid = own_platform.process.pid
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, hard))
    os.kill(own_platform.child, signal.SIGKILL)
    said = iter(own_platform.process.stdout.readline, "")
    assert any("could not be started" in line for line in said)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard, hard))
    own_platform.wait_facts()
    assert own_platform.stop() == 0
