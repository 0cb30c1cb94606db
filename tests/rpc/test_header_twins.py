"""Whatever bytes the headers are, C reads them as its twin does: server and client."""

import contextlib
import socket
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.rpc.random_headers import FOREIGN, LOGID, blocks, damaged, frame
from tests.rpc.scripted import Line, Peer
from tests.rpc.wire.kitex import service

import pie.rpc.server.server
from pie.model import Failure, current_call
from pie.rpc import BusinessError
from pie.rpc.client.fast_path import TwinCaller
from pie.thrift import (
    ApplicationError,
    FrameSplitter,
    MessageType,
    decode,
    encode_message,
    read_message,
)

ANY = settings(
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    max_examples=examples(150),
)


class Telling:
    """Tells what the server read."""

    def Text(self, text: str) -> str:
        call = current_call.get()
        logid = call.logid if call.logid in _given else ""  # Else it was made here.
        return repr(
            (logid, call.parent_id, call.caller, call.caller_cluster, call.env, call.timeout,
             call.persist, call.transit, call.notes)
        )  # fmt: skip

    def Throwing(self, who: str) -> str:
        raise NotImplementedError

    def Nothing(self) -> None: ...

    def Note(self, text: str) -> None: ...

    def Gone(self, text: str) -> None: ...

    def Meta(self, text: str, base: Any) -> dict[str, str]:
        raise NotImplementedError


_given = {LOGID.decode(), FOREIGN.decode()}


def answer(port: int, data: bytes) -> tuple[Any, ...]:
    """The reply of a server to a frame, or that it closed."""
    splitter = FrameSplitter()
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as sock,
        contextlib.suppress(ConnectionResetError),
    ):
        sock.sendall(data)
        while (found := splitter.take()) is None:
            data = sock.recv(65536)
            if not data:
                return ("closed",)
            splitter.feed(data)
        head, start = read_message(found.payload)
        if head.type is MessageType.EXCEPTION:
            return (head, found.header.strings, found.payload)
        text = decode(service().KxPlus.methods["Text"].result, found.payload, start).success
        return (head, found.header.strings, text)
    return ("closed",)


def test_a_server(start, monkeypatch) -> None:
    native = start(Telling(), service=service().KxPlus)
    monkeypatch.setattr(pie.rpc.server.server, "native", None)
    twin = start(Telling(), service=service().KxPlus)
    args = service().KxPlus.methods["Text"].args("x")
    message = encode_message("Text", MessageType.CALL, 1, args)

    @given(blocks | damaged, st.booleans())
    @ANY
    def agree(headers: bytes, framed: bool) -> None:
        data = frame(headers, message, framed=framed)
        assert answer(native, data) == answer(twin, data)

    agree()


@pytest.mark.parametrize("kind", [MessageType.REPLY, MessageType.EXCEPTION])
def test_a_client(bench, kind) -> None:
    kx = service()
    reply: list[bytes] = []

    def script(line: Line) -> None:
        while True:
            head, _ = read_message(line.request().payload)
            result = kx.KxPlus.methods["Text"].result("y")
            if kind is MessageType.EXCEPTION:
                result = ApplicationError("no", 6)
            line.sock.sendall(
                frame(reply[0], encode_message("Text", kind, head.seqid, result), head.seqid)
            )

    with Peer(script) as peer:
        client = kx.KxPlusClient(address=f"127.0.0.1:{peer.port}/ttheader", timeout=10)
        watch = []

        class Watch:
            def enter(self, call: Any) -> None: ...

            def leave(self, call: Any) -> None:
                watch.append(call)

        course = client._call.channel.bound().course
        course.gates.replace([Watch(), *(gate for gate, _ in course.gates.gates)])
        twin = TwinCaller(client._call.channel, kx.KxPlus)

        def outcome(call: Any, headers: bytes) -> tuple[Any, ...]:
            reply[:] = [headers]
            try:
                result: Any = call("Text", "x")
            except BusinessError as error:
                result = (error.status, error.value)
            except Failure as error:
                result = (error.kind, error.message, error.code, error.never_sent)
            made = watch.pop()
            return (result, made.backward, made.code)

        @given(blocks | damaged)
        @ANY
        def agree(headers: bytes) -> None:
            found = []
            for call in (client._call, twin):
                outcome(call, b"")
                before = peer.accepted
                first = outcome(call, headers)
                outcome(call, b"")
                found.append((first, peer.accepted - before))  # 0: its connection was kept.
            assert found[0] == found[1]

        agree()
