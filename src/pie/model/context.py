"""The Call being served here and now: ambient through threads and coroutines."""

from contextvars import ContextVar

from pie._core import native
from pie.model.call import Call

current_call: ContextVar[Call | None] = ContextVar("current_call", default=None)

if native is not None:
    native.setup_context(current_call)
