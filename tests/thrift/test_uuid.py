"""The type uuid: in the IDL, in generated code, in both protocols and as JSON."""

import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pie.thrift import CodecError, IdlError, Protocol, decode, encode, generate, load_idl
from pie.thrift import load_module as load
from pie.thrift.dynamic import services
from pie.thrift.json_example import example
from pie.thrift.json_form import JsonFormError, struct_from_json, to_json, type_name
from pie.thrift.types import StructType

TEXT = "00112233-4455-6677-8899-aabbccddeeff"
ONE = uuid.UUID(TEXT)
IDL = """
typedef uuid Id
const uuid FIRST = "00112233-4455-6677-8899-AABBccddeeff"
const Id BRACED = '{00112233-4455-6677-8899-aabbccddeeff}'
const list<uuid> BOTH = [FIRST, BRACED]
struct Row {
  1: uuid uuid, 2: optional Id id = FIRST, 3: list<Id> ids, 4: set<uuid> known,
  5: map<uuid, Id> by = {FIRST: "00000000-0000-0000-0000-000000000000"}, 6: required uuid must,
}
service Rows { Id Get(1: uuid uuid, 2: Row row) }
"""
MODULE = load(IDL)
ROW = MODULE.Row


def test_constants_and_defaults_are_uuids():
    assert (MODULE.FIRST, MODULE.BRACED, MODULE.BOTH) == (ONE, ONE, [ONE, ONE])
    assert ROW().id == ONE
    assert ROW().by == {ONE: uuid.UUID(int=0)}
    dynamic = services(load_idl("a.thrift", {"a.thrift": IDL}.__getitem__))["Rows"]
    row = dynamic.methods["Get"].args.__fields__[1].type.cls
    assert (row().id, row().by) == (ROW().id, ROW().by)


@pytest.mark.slow
def test_type_checker_accepts_it(tmp_path: Path):
    program = load_idl("rows.thrift", {"rows.thrift": IDL}.__getitem__)
    for path, text in generate(program).items():
        (tmp_path / path).write_text(text)
    (tmp_path / "use.py").write_text(
        "import uuid\nfrom rows import Row, RowsClient\n"
        "def call(client: RowsClient) -> uuid.UUID:\n"
        "    return client.Get(uuid.UUID(int=1), Row(uuid=uuid.UUID(int=2)))\n"
    )
    source = Path(__file__).parents[2] / "src"
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", "cache", "use.py"],
        cwd=tmp_path, env={"MYPYPATH": str(source), "PATH": ""},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ('"00112233445566778899aabbccddeeff"', "is not a uuid; write it as"),
        ('"{00112233-4455-6677-8899-aabbccddeeff"', "is not a uuid; write it as"),
        ('"00112233-4455-6677-8899-aabbccddeefg"', "is not a uuid; write it as"),
        ("5", "5 is not a uuid"),
        ("[]", "a list [...] is not a uuid"),
    ],
)
def test_other_constants_are_none(value, message):
    with pytest.raises(IdlError) as caught:
        load(f"const uuid ID = {value}")
    assert message in str(caught.value)


def test_it_is_a_word_of_the_language():
    with pytest.raises(IdlError, match="uuid is a word of the language"):
        load("typedef string uuid")


@pytest.mark.parametrize("protocol", Protocol)
def test_it_is_sixteen_bytes(protocol):
    cls = load("struct A { 1: uuid id }").A
    data = encode(cls(ONE), protocol=protocol)
    head = {Protocol.BINARY: b"\x10\0\1", Protocol.COMPACT: b"\x1d"}[protocol]
    assert data == head + ONE.bytes + b"\0"
    for size in range(len(data)):
        with pytest.raises(CodecError, match="the bytes end before the value does"):
            decode(cls, data[:size], protocol=protocol)
    # A reader that does not know the field passes over it.
    other = load("struct A { 2: i32 x }").A
    assert decode(other, data, protocol=protocol) == other()
    with pytest.raises(CodecError, match=r"A\.id: expected uuid\.UUID, got '0011"):
        encode(cls(TEXT), protocol=protocol)


UUIDS = st.uuids()
ROWS = st.builds(
    ROW,
    uuid=st.none() | UUIDS,
    id=UUIDS,
    ids=st.lists(UUIDS, max_size=20),
    known=st.sets(UUIDS, max_size=3),
    by=st.dictionaries(UUIDS, UUIDS, max_size=3),
    must=UUIDS,
)


@given(value=ROWS, protocol=st.sampled_from(Protocol))
@settings(derandomize=True, deadline=None)
def test_what_is_written_is_read_again(value, protocol):
    assert decode(ROW, encode(value, protocol=protocol), protocol=protocol) == value


@given(value=ROWS)
@settings(derandomize=True, deadline=None)
def test_json_has_its_usual_text(value):
    data = to_json(StructType(ROW), value)
    assert data["must"] == str(value.must)
    assert struct_from_json(ROW, data) == value


def test_json_names_what_is_no_uuid():
    with pytest.raises(JsonFormError, match=r"must: expected a uuid like 00112233-.*, got .* 'x'"):
        struct_from_json(ROW, {"must": "x"})
    with pytest.raises(JsonFormError, match="must: expected a string, got a number 5"):
        struct_from_json(ROW, {"must": 5})
    made = example(StructType(ROW))
    assert made["uuid"] == "00000000-0000-0000-0000-000000000000"
    assert struct_from_json(ROW, made).uuid == uuid.UUID(int=0)
    assert [type_name(field.type) for field in ROW.__fields__[2:5]] == [
        "list<uuid>", "set<uuid>", "map<uuid, uuid>",
    ]  # fmt: skip
