"""The Thrift client for threads: calls to one service, which is looked up at the first one."""

from typing import Any

from pie.call import Driver
from pie.model import Call
from pie.rpc.client.attempt import attempt as attempt_steps
from pie.rpc.client.attempt import invocation
from pie.rpc.client.binding import Binder, Bound
from pie.rpc.client.callee import Asked
from pie.rpc.client.options import current_options
from pie.rpc.client.pool import shared_pool
from pie.rpc.client.steps import run
from pie.rpc.wire.conversation import Answer
from pie.thrift import Method, Struct


class Channel:
    """Calls to one service. Nothing is looked up before the first one.

    Args:
        asked: the service to call, and how.

    Raises:
        ValueError: an argument is malformed.
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
            CalleeError: the service to call is not configured.
            NotBootstrapped: the process was not set up.
        """
        return self.make(self.new_call(method), method, args)

    def new_call(self, method: Method) -> Call:
        """A call for ``make``, which afterwards holds how it went."""
        return self._binder.bound().new_call(method, current_options.get())

    def make(self, call: Call, method: Method, args: Struct) -> Any:
        """Make a call that ``new_call`` prepared. Raises as ``invoke``."""
        bound, options = self._binder.bound(), current_options.get()
        driver = Driver(bound.course)
        return run(
            invocation(call, options, driver.run, lambda each: attempt(each, method, args, bound))
        )


def attempt(call: Call, method: Method, args: Struct, bound: Bound) -> Answer:
    """One attempt of a call, on this thread."""
    return run(attempt_steps(call, method, args, bound, shared_pool))
