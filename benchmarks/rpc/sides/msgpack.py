"""msgspec's MessagePack: no RPC, but the yardstick of a fast codec on the same values."""

from collections.abc import Mapping

import msgspec

from sides.side import Codec, Side, Thunk, main
from workload.data import BASE, IDS, ITEMS, SUCCESS


class Base(msgspec.Struct):
    LogID: str = ""
    Caller: str = ""
    Addr: str = ""
    Client: str = ""
    Extra: dict[str, str] | None = None


class BaseResp(msgspec.Struct):
    StatusMessage: str = ""
    StatusCode: int = 0
    Extra: dict[str, str] | None = None


class Item(msgspec.Struct):
    id: int
    title: str
    author: str
    likes: int
    created: int
    score: float
    pinned: bool
    tags: list[str]


class Request(msgspec.Struct):
    ids: list[int]
    base: Base | None = None


class Response(msgspec.Struct):
    items: list[Item]
    base_resp: BaseResp | None = None


class Msgpack(Side):
    def about(self) -> str:
        return f"msgspec {msgspec.__version__}, MessagePack (codec only)"

    def serve(self, threads: int, variant: str) -> None:
        raise NotImplementedError("msgspec is no RPC library")

    def client(self, port: int, variant: str) -> Mapping[str, Thunk]:
        raise NotImplementedError("msgspec is no RPC library")

    def codec(self) -> Mapping[str, Codec]:
        request = Request(IDS, Base(**BASE))
        response = Response([Item(**ITEMS[each]) for each in IDS], BaseResp(**SUCCESS))
        return {"request": _codec(request), "response": _codec(response)}


def _codec(value: msgspec.Struct) -> Codec:
    encoder, decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(type(value))
    data = encoder.encode(value)
    return Codec(lambda: encoder.encode(value), lambda: decoder.decode(data))


if __name__ == "__main__":
    main(Msgpack())
