"""The course of a call, written once for both drivers.

``flow`` is a generator without I/O, or its C twin (``flow.c``). It yields what it wants done: a
number is a pause in seconds, ``SEND`` is one attempt. The driver does it, and answers with
``send(result)`` or ``throw(error)``.
"""

from collections.abc import Generator, Iterator
from typing import Any, Final, Literal

from pie._core import native
from pie.call.course import Course
from pie.call.gates import Gates, Passage
from pie.model import Call, Clock, Failure, Kind, failure_of, new_span_id

SEND: Final = "send"
Step = float | Literal["send"]
Flow = Generator[Step, Any, None]


def flow(call: Call, course: Course) -> Flow:
    """Take one call through its gates and attempts.

    Raises:
        Failure: the outcome, after all gates have been left, unless a gate replaced it.
    """
    if native is not None:
        opened: Flow = native.OpenCall(call, course)
        return opened
    return flow_in_python(call, course)


def flow_in_python(call: Call, course: Course) -> Flow:
    """The twin of ``flow.c``."""
    clock = course.clock
    call.started = clock.wall()
    call.start = call.attempt_start = clock.monotonic()
    passage = course.gates.passage(call)
    cause: BaseException | None = None
    try:
        yield from _pauses(call, passage, clock)
        if course.attempt_gates is None:
            call.queued = clock.monotonic() - (call.received or call.start)
            call.succeed((yield SEND))
        else:
            yield from _attempts(call, course, course.attempt_gates)
    except BaseException as error:
        cause = error
        call.fail(failure_of(error, call.side))
        if not isinstance(error, Exception):
            raise
    finally:
        call.end = clock.monotonic()
        passage.leave()
    if call.failure is not None:
        raise call.failure from (None if call.failure is cause else cause)


def _attempts(call: Call, course: Course, gates: Gates) -> Flow:
    candidates = call.candidates
    while True:
        error = yield from _attempt(call, course, gates)
        pause = None if error is None or course.retry is None else course.retry.pause(call)
        if pause is not None and call.attempts == 1:
            # The attempt keeps the span its peer saw; the call, now more than that, takes a new
            # one. A call that is tried once stays one Call and one record.
            call.span_id = new_span_id()
            _report(call, course)
        if pause is None:
            if error is not None:
                raise error
            return
        yield pause
        call.next_attempt(new_span_id())
        call.candidates = candidates


def _attempt(call: Call, course: Course, gates: Gates) -> Generator[Step, Any, Exception | None]:
    """One attempt; returns its error, so that the loop above decides what becomes of it."""
    call.attempt_start = course.clock.monotonic()
    passage = gates.passage(call)
    try:
        yield from _pauses(call, passage, course.clock)
        call.succeed((yield SEND))
    except Exception as error:
        call.fail(failure_of(error, call.side))
        return error
    except BaseException as error:
        call.fail(failure_of(error, call.side))
        raise
    finally:
        call.end = course.clock.monotonic()
        passage.leave()
        if call.attempts > 1:
            _report(call, course)
    return None


def _report(call: Call, course: Course) -> None:
    if course.on_attempt is not None:
        course.on_attempt(call.as_attempt())


def _pauses(call: Call, passage: Passage, clock: Clock) -> Iterator[float]:
    for delay in passage.enter():
        if call.deadline is not None and clock.monotonic() + delay >= call.deadline:
            passage.reject()
            raise too_long(call, delay)
        yield delay


def too_long(call: Call, delay: float) -> Failure:
    """Why a call fails that a gate would hold back for longer than it has time."""
    return Failure(
        Kind.DEADLINE,
        f"{call.callee}.{call.method} would have to wait {delay * 1000:.0f} ms, "
        "which is past its deadline",
        never_sent=True,
    )


def no_wait(call: Call, delay: float) -> Failure:
    """Why a call fails that a gate would hold back, where one thread serves all calls: it would
    hold back all of them. A server in C whose handlers are coroutines is one."""
    return Failure(
        Kind.EXHAUSTED,
        f"{call.callee}.{call.method} would have to wait {delay * 1000:.0f} ms, "
        "and a server whose handlers are coroutines holds no call back",
        never_sent=True,
    )


if native is not None:
    native.setup_flow(too_long, no_wait)
