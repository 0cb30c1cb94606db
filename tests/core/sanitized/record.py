"""Random calls through the call log: rows, lines and aggregates, with names beyond every cap.

Usage: record.py ROUNDS SEED
"""

import random
import sys
from typing import Annotated, Any

from pie._core import native
from pie.model import Call, Failure, Kind
from pie.observe import Identity
from pie.observe.facts.fields import I32, LOW, Key, Name, number
from pie.observe.facts.rows import EdgeRow, PeerRow
from pie.observe.log.access import LOCATION
from pie.observe.log.line import LineFormat
from pie.observe.record.description import Part, aggregate, row_parts
from pie.observe.record.slots import slot_size

TEXTS = ["", "Get", "登录失败\n", '"\\\r\n\t', "\ud800x", "a" * 7, "b" * 8, "c" * 33, "é" * 900]
TEXTS += ["\ud800" * 99, "登" * 499 + "\ud800"]


class SmallEdge(EdgeRow, kw_only=True):
    """An edge of which few names are held."""

    caller: Annotated[Name, Key(source="call.caller", column=LOW, cap=3)] = ""
    code: Annotated[I32, Key(source="call.code", column=number("Int32"), cap=3)] = 0
    user: Annotated[Name, Key(source="call.persist.USER", column=LOW, cap=3)] = ""


def some_call(chance: random.Random) -> Call:
    """A call whose fields are anything."""
    side: Any = chance.choice(["server", "client"])
    call = Call(side, "thrift", caller="", callee="d.e.f", method="Get")
    for name in ("caller", "callee", "method", "verb", "route", "env", "peer", "logid", "message"):
        setattr(call, name, chance.choice(TEXTS) + str(chance.randrange(9)))
    for name in ("version", "traffic", "gate", "span_id", "parent_id"):
        setattr(call, name, chance.choice(TEXTS))
    call.started = chance.uniform(0, 1e5)
    call.end = chance.uniform(-1, 10)
    call.attempt, call.attempts, call.hedges = (chance.randrange(3) for _ in range(3))
    call.code = chance.choice([0, 1, -5, 1 << 40, chance.randrange(1000)])
    call.notes = chance.sample(TEXTS, 3)
    if chance.random() < 0.5:
        metadata: Any = {"USER": chance.choice([*TEXTS, 5, None]), 7: "x", "KEY": "y"}
        call.persist = metadata
    if chance.random() < 0.3:
        call.fail(Failure(chance.choice(list(Kind)), chance.choice(TEXTS), rule="r/1"))
    return call


def attach(log: Any, chance: random.Random) -> None:
    """Give it shared memory for some of what it holds."""
    if chance.random() < 0.7:
        log.attach("edges", memoryview(bytearray(slot_size(histogram=True) * 3)))
        log.attach("peers", memoryview(bytearray(slot_size(histogram=False) * 2)))
    for what in ("calls", "served", "asked"):
        if chance.random() < 0.7:
            log.attach_halves(what, memoryview(bytearray(chance.choice([1024, 4096, 65536]))))


def main() -> None:
    rounds, chance = int(sys.argv[1]), random.Random(int(sys.argv[2]))
    who = Identity(psm="a.b.c", host="10.0.0.1", instance='x"1', version="7")
    assert native is not None
    for _ in range(rounds):
        log = native.CallLog(
            row=[Part(b"[", "call.persist.USER", 9), *row_parts(who)],
            aggregates=[
                aggregate("edges", SmallEdge, who),
                aggregate("peers", PeerRow, who),
            ],
            env="", version="7", location=LOCATION, who="h a.b.c", per_second=50, slow_us=10**6,
            notable_per_second=5, stamp=LineFormat("h", "a.b.c").stamp, wake=lambda: None,
            limit=chance.choice([0, 500, 100_000]), prepare=None,
        )  # fmt: skip
        attach(log, chance)
        for _ in range(chance.randrange(200)):
            log.record(some_call(chance))
            if chance.random() < 0.02:
                what = chance.choice(["calls", "served", "asked"])
                half = log.take_half(what)
                log.take(what)
                if half is not None and chance.random() < 0.7:
                    log.release_half(what, half[2])
                name = chance.choice(["edges", "peers"])
                for _, slot in log.take_totals(name, chance.uniform(0, 2e5)):
                    if slot >= 0 and chance.random() < 0.7:
                        log.release(name, slot)
            if chance.random() < 0.005:
                log.begin()
                attach(log, chance)


main()
