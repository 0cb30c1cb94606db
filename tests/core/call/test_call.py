"""The Call's storage in C behaves as its twin, checks what it is given, and leaks nothing."""

import gc
import weakref
from typing import Any

import pytest
from tests.leaks import growth

from pie._core import native
from pie.call import Course, Driver, Gates
from pie.govern import Balance
from pie.model import SYSTEM_CLOCK, Call, Failure, Kind, current_call, static_endpoint
from pie.model.fields import CallFields
from pie.observe import ClientTrace

if native is None:
    pytest.skip("the extension is not in use", allow_module_level=True)

NAMES: dict[str, Any] = {"caller": "a.b.c", "callee": "d.e.f", "method": "Get"}


def both(**more: Any) -> tuple[Any, Any]:
    return (
        native.CallFields("client", "thrift", **NAMES, **more),
        CallFields("client", "thrift", **NAMES, **more),
    )


def values(fields: Any) -> dict[str, Any]:
    return {name: getattr(fields, name) for name in CallFields.__slots__}


def test_a_new_call_is_the_same_as_its_twin() -> None:
    in_c, twin = both()
    assert values(in_c) == values(twin)
    assert {name: type(value) for name, value in values(in_c).items()} == {
        name: type(value) for name, value in values(twin).items()
    }


def test_every_argument_lands_where_its_twin_has_it() -> None:
    in_c, twin = both(
        caller_cluster="1", callee_cluster="2", env="3", logid="4", parent_id="5", peer="6",
        timeout=0.5,
    )  # fmt: skip
    assert values(in_c) == values(twin)


def test_every_field_keeps_what_it_is_given() -> None:
    failure = Failure(Kind.DENIED, "no")
    given: dict[type, Any] = {str: "text", float: 1.5, int: 1 << 40, dict: {"a": "b"}}
    given |= {list: ["note"], tuple: ("x",), bool: True}
    in_c, _ = both()
    for name, before in values(in_c).items():
        value = given.get(type(before), failure)
        if name == "deadline" or name.endswith("timeout"):
            value = 2.5
        setattr(in_c, name, value)
        assert getattr(in_c, name) == value, name
    in_c.deadline = in_c.target = in_c.failure = None
    assert (in_c.deadline, in_c.target, in_c.failure) == (None, None, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("caller", None), ("logid", b"x"), ("message", 5), ("code", "1"), ("code", 1.5),
        ("start", "soon"), ("deadline", "late"), ("persist", []), ("notes", ()), ("status", None),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_name(name: str, value: Any) -> None:
    call = Call("client", "thrift", **NAMES)
    with pytest.raises(TypeError, match=rf"Call\.{name} must be"):
        setattr(call, name, value)


def test_a_number_beyond_64_bits_is_refused_by_name() -> None:
    with pytest.raises(OverflowError, match=r"Call\.code"):
        Call("client", "thrift", **NAMES).code = 1 << 70


def test_fields_cannot_be_deleted() -> None:
    with pytest.raises(AttributeError, match=r"Call\.caller"):
        del Call("client", "thrift", **NAMES).caller


def test_text_of_a_subclass_becomes_plain_text() -> None:
    class Safe(str):
        pass

    call = Call("client", "thrift", **NAMES)
    call.message = Safe("hello")
    assert type(call.message) is str


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        (("client",), NAMES, "misses the argument 'protocol'"),
        (("client", "thrift"), {"caller": ""}, "misses the argument 'callee'"),
        (("client", "thrift", "x"), NAMES, "2 arguments by position"),
        (("client", "thrift"), NAMES | {"nonsense": 1}, "unexpected keyword argument 'nonsense'"),
        (("client", "thrift"), NAMES | {"verb": "GET"}, "unexpected keyword argument 'verb'"),
        (("client", "thrift"), NAMES | {"side": "server"}, "'side' twice"),
    ],
)
@pytest.mark.parametrize("made", [Call, native.CallFields])
def test_wrong_arguments_are_named(made: Any, args: Any, kwargs: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        made(*args, **kwargs)


def test_a_call_made_again_knows_nothing_of_the_last() -> None:
    blank = values(Call("client", "thrift", **NAMES))
    for _ in range(3):
        call = Call("client", "thrift", **NAMES)
        call.fail(Failure(Kind.DENIED, "no"))
        call.notes.append("x")
        call.persist["a"] = "b"
        call.deadline, call.attempts, call.detached = 1.0, 7, True
        del call
        assert values(Call("client", "thrift", **NAMES)) == blank


def test_a_call_in_the_frames_of_its_own_failure_is_collected() -> None:
    class Marker:
        pass

    def fail() -> weakref.ref[Marker]:
        call = Call("client", "thrift", **NAMES)
        call.result = Marker()
        try:
            raise Failure(Kind.DENIED, "no")
        except Failure as failure:
            call.fail(failure)
        return weakref.ref(call.result)

    gc.collect()
    reference = fail()
    gc.collect()
    assert reference() is None


@pytest.mark.slow
def test_nothing_leaks() -> None:
    def use() -> None:
        call = Call("client", "thrift", **NAMES, timeout=1.0)
        call.notes.append("x")
        call.persist = {"a": "b"}
        call.fail(Failure(Kind.DENIED, "no"))
        call.as_attempt().next_attempt("span")
        with pytest.raises(TypeError):
            call.caller = 1  # type: ignore[assignment]

    assert growth(use, 500) < 50


def test_names_that_are_no_text_are_refused() -> None:
    class Own(Call):
        __slots__ = ()

    for cls in (Call, Own):
        with pytest.raises(TypeError, match="must be strings"):
            cls("client", "thrift", **{1: 2})  # type: ignore[call-overload,misc]


def test_what_is_no_call_cannot_be_the_current_one() -> None:
    gates = Gates([ClientTrace(lambda: "logid")])
    token = current_call.set("no call")  # type: ignore[arg-type]
    try:
        with pytest.raises(Failure, match="current_call must be a Call or None, not str"):
            Driver(Course(gates, SYSTEM_CLOCK)).run(Call("client", "thrift", **NAMES), print)
    finally:
        current_call.reset(token)


@pytest.mark.parametrize("tried", [None, 5, ["here"], ("here",)])
def test_a_balancer_looks_at_any_tried(tried: Any) -> None:
    chosen = static_endpoint("127.0.0.1:1", "default", "framed")
    call = Call("client", "thrift", **NAMES)
    call.candidates, call.tried = (chosen,), tried
    course = Course(Gates([Balance()]), SYSTEM_CLOCK)
    if isinstance(tried, (list, tuple)):
        assert Driver(course).run(call, lambda each: each.target) is chosen
    else:
        with pytest.raises(Failure, match=r"TypeError: argument of type '\w+' is not"):
            Driver(course).run(call, print)
