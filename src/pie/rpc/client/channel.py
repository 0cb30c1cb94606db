"""The Thrift client for threads: calls to one service, found and governed at use."""

from typing import Any

from pie.call import Driver
from pie.model import Call, Failure
from pie.rpc.client.binding import Binder, Bound
from pie.rpc.client.callee import Asked
from pie.rpc.client.options import current_options
from pie.rpc.client.pool import shared_pool
from pie.rpc.wire.conversation import Answer, next_seqid, read_answer, spoken, write_request
from pie.thrift import Method, Struct


class Channel:
    """Calls to one service. Nothing is looked up before the first one.

    Args:
        asked: whom to call and how.

    Raises:
        ValueError: that makes no sense.
    """

    def __init__(self, asked: Asked) -> None:
        self._binder = Binder(asked)

    def bound(self) -> Bound:
        """The channel as it stands now. Raises as ``invoke`` where there is no call yet."""
        return self._binder.bound()

    def invoke(self, method: Method, args: Struct) -> Any:
        """Make one call and return its value; None for void and oneway.

        Raises:
            Failure: no answer.
            StructException: the answer is an exception that the IDL declares.
            BusinessError: the answer is a business status.
            CalleeError: it is not known which service to call.
            NotBootstrapped: the process was not set up.
        """
        return self.make(self.new_call(method), method, args)

    def new_call(self, method: Method) -> Call:
        """A call that ``make`` can make; what it holds afterwards tells how it went."""
        return self._binder.bound().new_call(method, current_options.get())

    def make(self, call: Call, method: Method, args: Struct) -> Any:
        """Make a call that ``new_call`` prepared. Raises as ``invoke``."""
        bound, options = self._binder.bound(), current_options.get()
        driver = Driver(bound.course)
        answer: Any = None
        try:
            answer = driver.run(call, lambda each: attempt(each, method, args, bound))
        finally:
            if options is not None:
                options.tell(call, answer.business if isinstance(answer, Answer) else None)
        return answer.get() if isinstance(answer, Answer) else answer


def attempt(call: Call, method: Method, args: Struct, bound: Bound) -> Answer:
    """One attempt of a call, within its gates: to the endpoint they chose."""
    endpoint, link = call.target, bound.callee.link
    assert endpoint is not None, "balance chose none"
    way = spoken(call, endpoint, multiplex=link.multiplex)
    seqid = next_seqid()
    request = write_request(
        call, method, args, seqid, way, bound.runtime.identity.host, multiplex=link.multiplex
    )
    instance = shared_pool.of(bound.target(endpoint))
    try:
        frame = instance.exchange(call, request, seqid, oneway=method.oneway)
    except Failure as failure:
        bound.explain(call, endpoint, failure)
        raise
    if frame is not None:
        bound.answered = True
    return read_answer(call, method, frame, seqid)
