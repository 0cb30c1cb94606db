"""Calls and answers as bytes in files, for the generator and the floor."""

from pathlib import Path
from typing import NamedTuple

from pie.thrift import (
    BUFFERED,
    FRAMED,
    TTHEADER,
    Method,
    Struct,
    TTHeader,
    encode_call,
    encode_reply,
)
from pie.thrift.wire.ttheader import IntKey
from workload.data import BASE, IDS, SLEEP_MS, SPIN_ROUNDS, TEXT
from workload.handler import Handler
from workload.pie_types import bench, request, types

_SEQID = 77


class Encoded(NamedTuple):
    """One call to one method, in files.

    Attributes:
        framed: the call in a frame.
        ttheader: the call in a TTHeader frame, with the headers a caller on Pie sends.
        reply: a bare message that answers it.
        reply_size: bytes of any right answer's message; 0 where that depends.
    """

    framed: Path
    ttheader: Path
    reply: Path
    reply_size: int


def write_calls(folder: Path) -> dict[str, Encoded]:
    """Write a call of every method, and return them by method."""
    handler = Handler(types)
    values = {
        "Echo": (TEXT,),
        "MGetItems": (request(IDS),),
        "Sleep": (SLEEP_MS,),
        "Spin": (SPIN_ROUNDS,),
    }
    calls = {}
    for name, arguments in values.items():
        method = bench.Bench.methods[name]
        result = method.success(getattr(handler, name)(*arguments))
        calls[name] = _write(folder, method, method.args(*arguments), result)
    return calls


def _write(folder: Path, method: Method, args: Struct, result: Struct) -> Encoded:
    reply = encode_reply(method, result, _SEQID, BUFFERED)
    made = Encoded(
        folder / f"{method.name}.framed",
        folder / f"{method.name}.ttheader",
        folder / f"{method.name}.reply",
        len(reply),
    )
    made.framed.write_bytes(encode_call(method, args, _SEQID, FRAMED))
    header = _header(method.name)
    made.ttheader.write_bytes(encode_call(method, args, _SEQID, TTHEADER, header))
    made.reply.write_bytes(reply)
    return made


def _header(method: str) -> TTHeader:
    header = TTHeader(seqid=_SEQID)
    header.ints = {
        IntKey.LOGID: BASE["LogID"],
        IntKey.FROM_SERVICE: BASE["Caller"],
        IntKey.FROM_CLUSTER: "default",
        IntKey.TO_SERVICE: "bench.thrift.server",
        IntKey.TO_METHOD: method,
        IntKey.RPC_TIMEOUT: "60000",
    }
    return header
