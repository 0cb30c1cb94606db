"""A call and its attempts, as steps for threads and coroutines."""

from typing import Any

from pie.model import Call, Failure
from pie.rpc.client.binding import Bound
from pie.rpc.client.options import Options
from pie.rpc.client.pool import Pool
from pie.rpc.client.steps import Steps
from pie.rpc.wire.conversation import Answer, next_seqid, read_answer, spoken, write_request
from pie.thrift import Method, Struct


def invocation(call: Call, options: Options | None, drive: Any, attempt_once: Any) -> Steps[Any]:
    """A call with all its attempts.

    Args:
        call: that is made.
        options: in force; the outcome is reported to them.
        drive: the operation that runs the call through its gates: ``run`` of a driver.
        attempt_once: makes one attempt of the call it is given.

    Returns:
        The value; None for void and oneway. Raises as ``Channel.invoke``.
    """
    answer: Any = None
    try:
        answer = yield drive, call, attempt_once
    finally:
        if options is not None:
            options.report(call, answer.business if isinstance(answer, Answer) else None)
    return answer.get() if isinstance(answer, Answer) else answer


def attempt(call: Call, method: Method, args: Struct, bound: Bound, pool: Pool) -> Steps[Answer]:
    """One attempt of a call, within its gates: to the endpoint that they chose."""
    endpoint, link = call.target, bound.callee.link
    assert endpoint is not None, "balance chose none"
    way = spoken(call, endpoint, multiplex=link.multiplex)
    seqid = next_seqid()
    request = write_request(
        call,
        method,
        args,
        seqid,
        way,
        bound.runtime.identity.host,
        multiplex=link.multiplex,
        service=bound.service,
        to=bound.addressee(call, endpoint),
    )
    instance = pool.of(bound.target(endpoint))
    try:
        frame = yield from instance.exchange(call, request, seqid, oneway=method.oneway)
    except Failure as failure:
        bound.explain(call, endpoint, failure)
        raise
    if frame is not None:
        bound.answered = True
    return read_answer(call, method, frame, seqid)
