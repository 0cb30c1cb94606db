"""The order of gates, and why each stands where it stands.

This is the only file that composes gates. A gate whose rule is absent is not in the list.

Server, outermost first:
    trace     gives the call its logid and span: everything after it can be found in the chain.
    record    right behind trace, so that a rejection by any later gate is recorded like an answer.
    reply     of HTTP servers: makes the answer to a call that a later gate rejected; right behind
              record, which writes the status and the size of that answer.
    deadline  before anything that costs: a caller that has given up gets no work done.
    access    before rate: a call that may not come in takes nothing of what its caller may do.
    stress    as access: traffic that the service is not ready for touches nothing of it.
    degrade   before what counts: a call of a method that is switched off uses up no rate.
    rate      before the handler and its author's gates: a call too many costs nothing but itself.
    own       the author's, nearest to the handler: they see what all the others let through.
Client, once for a call:
    trace     as above; the call becomes a child of the one being served.
    record    sees the outcome of all attempts together.
    deadline  bounds the call with all its retries: a retry can never make it longer.
    degrade   once for a call, outside of retry: what is switched off is not tried again.
Client, between the two lists:
    retry     the loop of the flow: whether a failed attempt is worth another.
Client, for each attempt:
    route     narrows the endpoints; for each attempt anew, since rules may differ by attempt.
    balance   last: chooses among what all others left, and counts what is in flight.
"""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from pie.govern import (
    Access,
    Balance,
    BalanceRule,
    BalanceState,
    ClientDeadline,
    Degrade,
    DegradeRule,
    DrainRule,
    Gate,
    LimitsRule,
    Rate,
    Retry,
    RetryRule,
    Route,
    RouteRule,
    Rule,
    RuledGate,
    RuleSet,
    ServerDeadline,
    Stress,
    TimeoutRule,
    Verdicts,
)
from pie.model import Clock
from pie.observe import ClientTrace, Observer, Record, ServerTrace

R = TypeVar("R", bound=Rule)
S = TypeVar("S")


class Parts(Protocol):
    """What gates are made of, for the calls of one service seen from one side.

    Attributes:
        observer: of this process.
        explain: given a PSM and a cluster, says why there is no instance and what to do.
        clock: of every gate.
        verdicts: where gates count what rules did.
    """

    observer: Observer
    explain: Callable[[str, str], str]
    clock: Clock
    verdicts: Verdicts

    def rules(self, kind: type[R]) -> RuleSet[R] | None:
        """The rules of a kind in force; None = there are none.

        For calls made: the caller's own (side ``client``) before what the callee's owner decided
        for all callers (side ``callers``).
        """
        ...

    def state(self, kind: type[S]) -> S:
        """What a policy remembers: one object in each process, made when it is first needed."""
        ...

    def ruled(self, gate: type[RuledGate]) -> Iterable[Gate]:
        """The gate over its rules and state, if there are rules for it; else nothing."""
        ...


def server_gates(parts: Parts, own: Iterable[Gate], reply: Iterable[Gate]) -> list[Gate]:
    """The gates of calls that this process serves.

    Args:
        parts: what they are made of.
        own: the service author's.
        reply: of a protocol that answers rejections itself.
    """
    return [
        ServerTrace(parts.observer.new_logid),
        Record(parts.observer.recorder.log),
        *reply,
        ServerDeadline(clock=parts.clock),
        *parts.ruled(Access),
        *parts.ruled(Stress),
        *_degrade(parts),
        *parts.ruled(Rate),
        *own,
    ]


def client_gates(parts: Parts) -> list[Gate]:
    """The gates of calls that this process makes, entered once for a call."""
    return [
        ClientTrace(parts.observer.new_logid, parts.observer.identity.env),
        Record(parts.observer.recorder.log),
        ClientDeadline(
            parts.rules(TimeoutRule),
            parts.rules(LimitsRule),
            clock=parts.clock,
            verdicts=parts.verdicts,
        ),
        *_degrade(parts),
    ]


def _degrade(parts: Parts) -> Iterable[Gate]:
    """Only where whole methods are switched off: switches in the code are asked there."""
    rules = parts.rules(DegradeRule)
    whole = rules is not None and any(not each.rule.switch for each in rules.rules)
    return parts.ruled(Degrade) if whole else ()


def client_retry(parts: Parts) -> Retry:
    """Decides whether a failed attempt is worth another."""
    return Retry(
        rules=parts.rules(RetryRule),
        limits=parts.rules(LimitsRule),
        clock=parts.clock,
        verdicts=parts.verdicts,
    )


def attempt_gates(parts: Parts) -> list[Gate]:
    """The gates of calls that this process makes, entered for each attempt."""
    return [
        Route(
            parts.explain,
            rules=parts.rules(RouteRule),
            drains=parts.rules(DrainRule),
            weights=parts.rules(BalanceRule),
            idc=parts.observer.identity.idc,
            clock=parts.clock,
            verdicts=parts.verdicts,
        ),
        Balance(parts.state(BalanceState)),
    ]
