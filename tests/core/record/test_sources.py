"""Sources of rows: the writer in C and its twin know the same names and read the same values."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples

from pie._core import native
from pie.model import Call
from pie.model.fields import CallFields
from pie.observe import Identity
from pie.observe.log.access import LOCATION
from pie.observe.log.line import LineFormat
from pie.observe.record.description import Part
from pie.observe.record.encode import encode_value
from pie.observe.record.finished import Finished, reader_of

if native is None:
    pytest.skip("the extension is not in use", allow_module_level=True)

METADATA = ("persist", "transit", "backward")


class Plain(str):
    """A text that is no plain ``str``."""

    __slots__ = ()


def log_of(sources: list[str]) -> Any:
    """A call log in C whose records are lists of the values of these sources."""
    literals = [b"[", *[b","] * (len(sources) - 1), b"]\n"]
    parts = zip(literals, [*sources, ""], strict=True)
    assert native is not None
    return native.CallLog(
        row=[Part(literal, source, 0) for literal, source in parts], aggregates=[], env="",
        version="", location=LOCATION, who="", per_second=10**6, slow_us=10**9,
        notable_per_second=10**6, stamp=LineFormat("h", "a.b.c").stamp, wake=lambda: None,
        limit=1 << 20, prepare=None,
    )  # fmt: skip


def read_in_c(call: Call, sources: list[str]) -> Any:
    log = log_of(sources)
    log.record(call)
    ((_, line),) = log.take("calls")
    return json.loads(line)


def read_by_twin(call: Call, sources: list[str]) -> Any:
    values = reader_of(sources)(Finished(call, Identity(psm="a.b.c")))
    return [json.loads(encode_value(value)) for value in values]


def known(make: Any, source: str) -> bool:
    try:
        make([source])
    except ValueError as error:
        assert repr(source) in str(error)
        return False
    return True


names = [each for each in Finished.__slots__ if each != "call"]
names += [f"call.{each}" for each in CallFields.__slots__]


@pytest.mark.parametrize(
    "source",
    [
        *names,
        *(f"{each}.KEY" for each in names),
        *(
            "call.",
            "call",
            "nothing",
            "call.nothing",
            "ts.real",
            "call.persist.",
            "persist.KEY",
        ),
        "call.persist.KEY.WITH.DOTS",
        "call." + "x" * 100,
    ],
)
def test_both_know_the_same_sources(source: str) -> None:
    assert known(log_of, source) == known(reader_of, source)


@pytest.mark.parametrize("source", ["ts", "whole", "call.method", "call.notes", "call.transit.X"])
def test_sources_that_are_known(source: str) -> None:
    assert known(log_of, source)
    assert known(reader_of, source)


keys = st.sampled_from(["USER", "登", "A.B", "\ud800", Plain("PLAIN")])
values = st.one_of(st.text(max_size=8), st.sampled_from([5, None, Plain("x"), "\ud800"]))
metadata = st.dictionaries(st.one_of(keys, st.integers(0, 3)), values)


@settings(max_examples=examples(60), deadline=None)
@given(metadata, metadata, metadata)
def test_metadata_is_read_as_the_twin_reads_it(
    persist: dict[Any, Any], transit: dict[Any, Any], backward: dict[Any, Any]
) -> None:
    call = Call("server", "thrift", caller="", callee="a.b.c", method="Get")
    call.persist, call.transit, call.backward = persist, transit, backward
    sources = [f"call.{name}.{key}" for name in METADATA for key in ("USER", "登", "A.B", "PLAIN")]
    assert read_in_c(call, sources) == read_by_twin(call, sources)


@pytest.mark.parametrize("read", [read_in_c, read_by_twin], ids=["c", "twin"])
def test_a_key_that_is_missing_or_no_text_is_empty(read: Any) -> None:
    call = Call("server", "thrift", caller="", callee="a.b.c", method="Get")
    assert read(call, ["call.persist.USER", "call.backward.USER"]) == ["", ""]
    call.persist = {"USER": "ann", "AGE": 5, "user": "no"}  # type: ignore[dict-item]
    assert read(call, ["call.persist.USER", "call.persist.AGE"]) == ["ann", ""]


class Loud(str):
    """A key that shouts when Python compares it."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise AssertionError("Python ran while a record was written")

    __hash__ = str.__hash__


def test_reading_metadata_runs_no_python() -> None:
    call = Call("server", "thrift", caller="", callee="a.b.c", method="Get")
    call.persist = {Loud("USER"): "ann"}
    assert read_in_c(call, ["call.persist.USER"]) == ["ann"]
