"""The order of gates, and why each stands where it stands.

This is the only file that composes gates. A gate whose rule is absent is not in the list.

Server, outermost first:
    trace     gives the call its logid and span: everything after it can be found in the chain.
    record    right behind trace, so that a rejection by any later gate is recorded like an answer.
    deadline  before anything that costs: a caller that has given up gets no work done.
    own       the author's, nearest to the handler: they see what all the others let through.
Client, once for a call:
    trace     as above; the call becomes a child of the one being served.
    record    sees the outcome of all attempts together.
    deadline  bounds the call with all its retries: a retry can never make it longer.
Client, for each attempt (the retry loop of the flow stands between the two lists):
    route     narrows the endpoints; for each attempt anew, since rules may differ by attempt.
    balance   last: chooses among what all others left, and counts what is in flight.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from pie.call.flow import Course
from pie.call.gates import Gates
from pie.govern import (
    DEFAULT_TIMEOUT,
    Balance,
    ClientDeadline,
    Gate,
    Retry,
    Route,
    ServerDeadline,
)
from pie.model import SYSTEM_CLOCK, Clock
from pie.observe import ClientTrace, Observer, Record, ServerTrace


class ClientPolicy(NamedTuple):
    """What may be set for the calls of one client.

    Attributes:
        timeout: seconds for a call with all its attempts.
        attempts: attempts in all of a call that was never sent.
        pinned: PSM → ``host:port``, for test runs.
    """

    timeout: float = DEFAULT_TIMEOUT
    attempts: int = 3
    pinned: dict[str, str] | None = None


def server_course(
    observer: Observer, own: Iterable[Gate] = (), clock: Clock = SYSTEM_CLOCK
) -> Course:
    """How calls that this process serves run.

    Args:
        observer: of this process.
        own: gates of the service's author.
        clock: of every gate.
    """
    gates = Gates(
        [
            ServerTrace(observer.new_logid),
            Record(observer.recorder.log),
            ServerDeadline(clock=clock),
            *own,
        ]
    )
    return Course(gates=gates, clock=clock)


def client_course(
    observer: Observer,
    explain: Callable[[str, str], str],
    policy: ClientPolicy | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> Course:
    """How calls that this process makes run.

    Args:
        observer: of this process.
        explain: given a PSM and a cluster, says why there is no instance and what to do.
        policy: of this client.
        clock: of every gate.
    """
    policy = policy or ClientPolicy()
    gates = Gates(
        [
            ClientTrace(observer.new_logid),
            Record(observer.recorder.log),
            ClientDeadline(policy.timeout, clock=clock),
        ]
    )
    return Course(
        gates=gates,
        clock=clock,
        attempt_gates=Gates([Route(policy.pinned, explain), Balance()]),
        retry=Retry(policy.attempts, clock=clock),
        on_attempt=observer.recorder.log.record,
    )
