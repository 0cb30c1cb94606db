"""JSON as people write it, to values and back."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples

from pie.thrift import (
    BINARY,
    BOOL,
    DOUBLE,
    I8,
    I16,
    I32,
    I64,
    STRING,
    ListType,
    MapType,
    SetType,
    decode,
    encode,
    load_module,
)  # fmt: skip
from pie.thrift.json_form import JsonFormError, from_json, struct_from_json, to_json
from pie.thrift.types import EnumType, StructType

MODULE = load_module("""
enum Color { RED = 1, BLUE = 5 }
struct Inner { 1: required string name, 2: optional i32 size = 3 }
union Choice { 1: i32 number, 2: Inner inner }
struct Base { 1: string LogID, 2: string Caller }
struct All {
  1: bool flag, 2: i64 big, 3: double real, 4: string text, 5: binary blob, 6: Color color,
  7: list<Inner> items, 8: set<i32> numbers, 9: map<i64, string> names, 10: map<Color, bool> seen,
  11: Choice choice, 12: map<binary, double> blobs, 13: map<bool, i8> flags,
  255: required Base base,
}
service S { All Get(1: All all) }
""")
ALL = StructType(MODULE.All)
DATA = {
    "flag": True,
    "big": 9223372036854775807,
    "real": 0.5,
    "text": "用户",
    "blob": "AP/+",
    "color": "BLUE",
    "items": [{"name": "a", "size": 3}],
    "numbers": [1, 2, 10],
    "names": {"-1": "x"},
    "seen": {"RED": True},
    "choice": {"inner": {"name": "b", "size": 3}},
    "blobs": {"AA==": 1.5},
    "flags": {"true": 1, "false": -1},
    "base": {"LogID": "", "Caller": ""},
}


def test_there_and_back_over_json_and_over_the_wire() -> None:
    value = struct_from_json(MODULE.All, json.loads(json.dumps(DATA)))
    assert value.blob == b"\x00\xff\xfe"
    assert value.names == {-1: "x"}
    assert value.seen == {MODULE.Color.RED: True}
    value = decode(MODULE.All, encode(value))
    assert to_json(ALL, value) == DATA
    assert from_json(ALL, to_json(ALL, value)) == value


def test_base_need_not_be_given() -> None:
    assert struct_from_json(MODULE.All, {}).base is None


def test_integers_that_javascript_would_round() -> None:
    value = struct_from_json(MODULE.All, {"big": "-9007199254740993", "numbers": [5]})
    assert value.big == -9007199254740993
    assert to_json(ALL, value)["big"] == -9007199254740993
    assert to_json(ALL, value, safe_ints=True)["big"] == "-9007199254740993"
    assert to_json(ALL, value, safe_ints=True)["numbers"] == [5]


@pytest.mark.parametrize(
    ("kind", "data", "value"),
    [
        (I8, -128, -128), (I16, "7", 7), (I32, 1e3, 1000), (I64, "-1", -1), (BOOL, False, False),
        (DOUBLE, 1, 1.0), (DOUBLE, "Infinity", math.inf), (DOUBLE, "-Infinity", -math.inf),
        (STRING, "12", "12"), (BINARY, "", b""), (ListType(I32), [], []), (SetType(I32), [], set()),
        (EnumType(MODULE.Color), "RED", MODULE.Color.RED), (EnumType(MODULE.Color), 5, 5),
        (EnumType(MODULE.Color), "5", 5), (EnumType(MODULE.Color), 77, 77),
        (MapType(DOUBLE, I8), {"1.5": 1, "NaN": 2}, None),
        (MapType(I32, STRING), {"1": ""}, {1: ""}),
    ],
)  # fmt: skip
def test_what_is_taken(kind, data, value) -> None:
    found = from_json(kind, data)
    if value is not None:
        assert found == value
        assert type(found) is type(value) or kind.code.name == "I32"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"flg": True}, "All has no field 'flg'; did you mean flag?"),
        ({"zzzzz": 1}, "All has no field 'zzzzz'; it has flag, big, real"),
        ({"flag": 1}, "flag: expected true or false, got a number 1"),
        ({"flag": "true"}, "flag: expected true or false, got a string 'true'"),
        ({"big": 1.5}, "big: expected a whole number (i64), got a number 1.5"),
        ({"big": True}, "big: expected a whole number (i64), got a boolean True"),
        ({"big": 1 << 63}, "big: 9223372036854775808 is out of the range of i64"),
        ({"big": "many"}, "big: expected a whole number (i64), got a string 'many'"),
        ({"real": "1.5"}, "real: expected a number, got a string '1.5'"),
        ({"text": 5}, "text: expected a string, got a number 5"),
        ({"text": "\ud800"}, "text: not valid Unicode"),
        ({"blob": "?"}, "blob: not base64"),
        ({"blob": 1}, "blob: expected a string of base64"),
        ({"color": "BLEU"}, "color: Color has no member 'BLEU'; did you mean BLUE?"),
        ({"color": "x"}, "color: Color has no member 'x'; it has RED, BLUE"),
        ({"color": 1.5}, "color: expected a name or number of Color"),
        ({"items": {}}, "items: expected an array (list<Inner>), got an object"),
        ({"items": [{"name": "a"}, {}]}, "items[1].name: required, but not given"),
        ({"items": [{"name": None}]}, "items[0].name: required, but not given"),
        ({"items": [None]}, "items[0]: expected an object with the fields of Inner, got null"),
        ({"numbers": [1, 1]}, "numbers: the same element is there twice"),
        ({"numbers": [1, "a"]}, "numbers[1]: expected a whole number (i32)"),
        ({"names": [1]}, "names: expected an object (map<i64, string>)"),
        ({"names": {"a": ""}}, "names['a']: expected a whole number (i64), got a string 'a'"),
        ({"names": {"1": "", "01": ""}}, "names['01']: the same key is there twice"),
        ({"seen": {"REDD": True}}, "seen['REDD']: Color has no member"),
        ({"flags": {"yes": 1}}, """flags['yes']: expected "true" or "false" as key"""),
        ({"flags": {"true": 300}}, "flags['true']: 300 is out of the range of i8 (-128..127)"),
        ({"choice": {}}, "choice: the union Choice has exactly one field set, not 0: choose one"),
        ({"choice": {"number": 1, "inner": {"name": ""}}}, "exactly one field set, not 2"),
        ([], "expected an object with the fields of All, got an array"),
    ],
)  # fmt: skip
def test_what_is_refused_names_the_place(data, said) -> None:
    with pytest.raises(JsonFormError) as caught:
        struct_from_json(MODULE.All, data, "req")
    text = str(caught.value)
    assert said in text
    assert text.startswith("req")


def test_depth_is_bounded() -> None:
    made = load_module("struct A { 1: optional A a } service S { A Get() }")
    data: dict[str, object] = {}
    for _ in range(100):
        data = {"a": data}
    with pytest.raises(JsonFormError, match="nested deeper than 64 levels"):
        struct_from_json(made.A, data)


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_I64 = st.integers(-(1 << 63), (1 << 63) - 1)
_I32 = st.integers(-(1 << 31), (1 << 31) - 1)
_REAL = st.floats(allow_nan=False)
_INNER = st.builds(MODULE.Inner, _TEXT, _I32)
_VALUES = st.builds(
    MODULE.All,
    flag=st.booleans(),
    big=_I64,
    real=_REAL,
    text=_TEXT,
    blob=st.binary(max_size=8),
    color=st.sampled_from(MODULE.Color) | _I32.filter(lambda n: n not in (1, 5)),
    items=st.lists(_INNER, max_size=3),
    numbers=st.sets(_I32, max_size=3),
    names=st.dictionaries(_I64, _TEXT, max_size=3),
    seen=st.dictionaries(st.sampled_from(MODULE.Color), st.booleans()),
    choice=st.builds(MODULE.Choice, number=_I32) | st.builds(MODULE.Choice, inner=_INNER),
    blobs=st.dictionaries(st.binary(max_size=4), _REAL, max_size=3),
    flags=st.dictionaries(st.booleans(), st.integers(-128, 127)),
    base=st.just(MODULE.Base("", "")),
)


@settings(max_examples=examples(80), deadline=None)
@given(_VALUES, st.booleans())
def test_every_value_comes_back(value, safe_ints) -> None:
    text = json.dumps(to_json(ALL, value, safe_ints=safe_ints), allow_nan=False)
    assert struct_from_json(MODULE.All, json.loads(text)) == value
