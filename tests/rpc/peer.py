"""A client of bytes: it sends what a test wants sent, and says what comes back."""

import contextlib
import socket

from pie.thrift import (
    FRAMED,
    Frame,
    FrameSplitter,
    Protocol,
    Transport,
    TTHeader,
    decode_reply,
    encode_call,
)


class Peer:
    """A client of bytes."""

    def __init__(self, demo, port: int, *, sock: socket.socket | None = None) -> None:
        self.demo = demo
        self.sock = sock or socket.create_connection(("127.0.0.1", port), timeout=10)
        self.splitter = FrameSplitter(1 << 30)

    def request(
        self,
        item: int,
        seqid: int = 1,
        transport: Transport = FRAMED,
        protocol: Protocol = Protocol.BINARY,
        flags: int = 0,
    ) -> bytes:
        method = self.demo.DemoService.methods["GetItem"]
        args = method.args(self.demo.Demo2Request(ItemId=item))
        return encode_call(method, args, seqid, transport, TTHeader(flags=flags), protocol)

    def send(self, item: int, seqid: int = 1, **how) -> None:
        self.sock.sendall(self.request(item, seqid, **how))

    def frame(self) -> Frame:
        while (frame := self.splitter.take()) is None:
            data = self.sock.recv(65536)
            if not data:
                raise EOFError
            self.splitter.feed(data)
        return frame

    def reply(self) -> tuple[int, str]:
        method = self.demo.DemoService.methods["GetItem"]
        item = method.unpack(decode_reply(method, self.frame())).item
        return item.ItemId, item.ItemName

    def ended(self) -> bool:
        with contextlib.suppress(ConnectionResetError):
            return self.sock.recv(65536) == b""
        return True

    def close(self) -> None:
        self.sock.close()


def item(demo, number: int, name: str = "x"):
    """What GetItem answers."""
    return demo.Demo2Response(item=demo.Demo2Item(ItemId=number, ItemName=name))
