"""Whether an exception is of a signal, and not of the code in whose middle it was raised.

A handler of a signal runs on the main thread between any two steps of Python, so what it raises,
such as the KeyboardInterrupt of Ctrl-C, comes out of whatever was called there.
"""

import functools
import signal
import threading
from types import CodeType
from typing import Any

from pie.model import is_a


def is_interrupt(error: BaseException) -> bool:
    """Whether a handler of a signal raised it."""
    if threading.current_thread() is not threading.main_thread():
        return False
    handlers = [signal.getsignal(number) for number in signal.valid_signals()]
    # Python's own handler is of C: it leaves no trace.
    if is_a(error, KeyboardInterrupt) and signal.default_int_handler in handlers:
        return True
    codes = {_code_of(each) for each in handlers}
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code in codes:
            return True
        trace = trace.tb_next
    return False


def _code_of(handler: Any) -> CodeType | None:
    while is_a(handler, functools.partial):
        handler = handler.func
    handler = getattr(handler, "__func__", handler)
    return getattr(handler, "__code__", None)
